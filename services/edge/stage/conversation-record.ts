import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';

const TIME = new Date(0).toISOString();

/** Makes a conversation of these users as store shows it. Nobody has sent a message in it yet. */
export function conversationRecord(
  users: readonly UserId[],
  rest: Partial<ConversationRecord> & Pick<ConversationRecord, 'type'>,
): ConversationRecord {
  return {
    conversation_id: newId<ConversationId>(),
    version: 1,
    first_seq: 1,
    last_seq: 0,
    last_read_seq: 0,
    unread: 0,
    is_muted: false,
    created_at: TIME,
    last_activity: TIME,
    participants: users.map((userId) => ({
      user_id: userId,
      role: 'member',
      joined_at: TIME,
      delivered_seq: 0,
      read_seq: 0,
    })),
    ...rest,
  };
}
