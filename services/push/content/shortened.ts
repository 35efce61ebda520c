import type { Push } from '../providers/provider.ts';
import { NEW_MESSAGE } from './alert-text.ts';

/** Leaves out of an alert whatever a person wrote, for a provider that finds it too large. */
export function shortened(push: Push): Push {
  if (push.kind === 'badge') return push;
  const { title, ...rest } = push;
  return { ...rest, body: NEW_MESSAGE };
}
