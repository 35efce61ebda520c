import type { ConversationCommands } from '../../../shared/contracts/conversations.ts';
import {
  currentOf,
  idsOf,
  type LockedConversation,
  type Plan,
  type SystemMessage,
} from './conversation-plan.ts';

type Field = keyof ConversationCommands['conversations.update'];

const MESSAGE_OF: Record<Field, (value: string) => Pick<SystemMessage, 'event' | 'content'>> = {
  title: (value) => ({ event: 'title_changed', content: `The title was changed to "${value}"` }),
  description: () => ({
    event: 'description_changed',
    content: 'The description was changed',
  }),
  avatar_url: () => ({ event: 'avatar_changed', content: 'The picture was changed' }),
};

/** Each field whose value changes gets a system message. */
export function planUpdate(
  { conversation, participants }: LockedConversation,
  command: ConversationCommands['conversations.update'],
): Plan | undefined {
  const set: NonNullable<Plan['set']> = {};
  const messages: SystemMessage[] = [];
  for (const field of Object.keys(MESSAGE_OF) as Field[]) {
    const value = command[field];
    if (value === undefined || value === conversation[field]) continue;
    set[field] = value;
    messages.push({ ...MESSAGE_OF[field](value), value });
  }
  if (messages.length === 0) return undefined;
  const events = [{ change: 'updated' as const, to: idsOf(currentOf(participants)) }];
  return { set, messages, events };
}
