import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { ConversationChange } from '../../../shared/durable-events/conversation.ts';
import { type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { OutboxPayloads } from '../database/schema.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import type { ConversationRow, ParticipantRow } from '../records/conversation-rows.ts';

export type OwedEvent = { event_id: EventId; payload: OutboxPayloads['conversation'] };

type Leaving = {
  userId: UserId;
  change: ConversationChange;
  /** This is the conversation as the change leaves it. */
  conversation: ConversationRow;
  /** These users took part before the change. */
  participants: ParticipantRow[];
};

/**
 * A user who leaves is told so by this event, which shows the conversation for the last time. The
 * list of participants is without that user. The record has no content, because the outbox stores
 * it unencrypted.
 */
export function closingEvent(leaving: Leaving, cipher: ContentCipher): OwedEvent {
  const { userId, change } = leaving;
  const left = lastRecordOf(leaving, cipher);
  return { event_id: newId(), payload: { change, user_ids: [userId], left } };
}

function lastRecordOf(
  { userId, conversation, participants }: Leaving,
  cipher: ContentCipher,
): ConversationRecord {
  const loaded = { conversation, participants, lastMessage: undefined };
  const record = toConversationRecord(loaded, userId, { cipher, nowMs: Date.now() });
  if (record === undefined) throw new Error('one who leaves took part');
  return {
    ...record,
    participants: record.participants.filter(({ user_id }) => user_id !== userId),
  };
}
