import type { Conversation } from '../../../clients/js/src/index.ts';

/** Says to somebody who may not write in a conversation why that is so. */
export function sayReadOnly({ type, state }: Pick<Conversation, 'type' | 'state'>): string {
  if (type !== 'business') return 'You do not take part in this conversation.';
  if (state === 'waiting') return 'Take this conversation to answer it.';
  if (state === 'closed') return 'This conversation is closed.';
  return 'Another agent answers this conversation.';
}
