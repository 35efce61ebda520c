import type { Transaction } from 'kysely';
import type { OutboxEntryOf } from '../../../shared/contracts/outbox.ts';
import { addressMessage } from '../../../shared/durable-events/message.ts';
import { type EventId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { AWAY_MESSAGE } from '../../../shared/protocol/system-messages.ts';
import type { WritingCipher } from '../content/content-cipher.ts';
import type { Database } from '../database/schema.ts';
import { insertSystemMessages } from '../messages/insert-system-messages.ts';
import { writeOutbox } from '../outbox/write-outbox.ts';
import type {
  ConversationRow,
  LastMessageRow,
  ParticipantRow,
} from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';

type Away = {
  text: string;
  /** The row has the `last_seq` and `last_sent_at` of the away message already. */
  conversation: ConversationRow;
  participants: readonly ParticipantRow[];
  /** This is the time of the database's clock. */
  now: string;
  cipher: WritingCipher;
};
type Written = { row: LastMessageRow; entry: OutboxEntryOf<'message'> };

/**
 * The business itself sends its away message, in the transaction of the customer's message that it
 * follows. The entry is the one that a repair would make.
 */
export async function writeAwayMessage(
  tx: Transaction<Database>,
  { text, conversation, participants, now, cipher }: Away,
): Promise<Written> {
  const { conversation_id, business_id, last_seq: seq, last_sent_at, version } = conversation;
  const sender_id = business_id as string as UserId;
  const record = {
    message_id: newId<MessageId>(),
    ...{ conversation_id, seq, sender_id },
    version: 1,
    content: text,
    message_type: 'system' as const,
    metadata: { event: AWAY_MESSAGE },
    sent_at: last_sent_at ?? now,
  };
  const [row] = await insertSystemMessages(tx, [record], cipher);
  const event_id = record.message_id as string as EventId;
  const owed = { event_id, conversation_id, seq, payload: null };
  await writeOutbox(tx, { kind: 'message', at: now, rows: [owed] });
  const addressed = addressMessage(toParticipants({ conversation, participants }), record);
  const entry = { event_id, conversation_id, version, kind: 'message' as const, ...addressed };
  return { row: row as LastMessageRow, entry };
}
