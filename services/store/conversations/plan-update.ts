import type { ConversationCommands } from '../../../shared/contracts/conversations.ts';
import {
  currentOf,
  idsOf,
  type LockedConversation,
  type Plan,
  type SystemMessage,
} from './conversation-plan.ts';

type Field = keyof ConversationCommands['conversations.update'];

const SAYS: Record<Field, (value: string) => Pick<SystemMessage, 'event' | 'content'>> = {
  title: (value) => ({ event: 'title_changed', content: `The title was changed to "${value}"` }),
  description: () => ({
    event: 'description_changed',
    content: 'The description was changed',
  }),
  avatar_url: () => ({ event: 'avatar_changed', content: 'The picture was changed' }),
};

/** One system message for each field that is another than before. */
export function planUpdate(
  { conversation, members }: LockedConversation,
  command: ConversationCommands['conversations.update'],
): Plan | undefined {
  const set: NonNullable<Plan['set']> = {};
  const messages: SystemMessage[] = [];
  for (const field of Object.keys(SAYS) as Field[]) {
    const value = command[field];
    if (value === undefined || value === conversation[field]) continue;
    set[field] = value;
    messages.push({ ...SAYS[field](value), value });
  }
  if (messages.length === 0) return undefined;
  const events = [{ change: 'updated' as const, to: idsOf(currentOf(members)) }];
  return { set, messages, events };
}
