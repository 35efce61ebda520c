import type { Transaction } from 'kysely';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import { type MessageId, newId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { Writing } from './conversation-plan.ts';

export type SystemRecord = { record: MessageRecord & { content: string; metadata: object } };

/** System messages are encrypted like all messages; they have no `client_msg_id`. */
export async function insertSystemMessages(
  tx: Transaction<Database>,
  { command, locked, plan, cipher }: Writing,
): Promise<SystemRecord[]> {
  const { conversation_id, last_seq } = locked.conversation;
  const written = plan.messages.map(({ content, ...metadata }, index) => ({
    record: {
      message_id: newId<MessageId>(),
      conversation_id,
      seq: last_seq + 1 + index,
      sender_id: command.user_id,
      version: 1,
      content,
      message_type: 'system' as const,
      metadata,
      sent_at: locked.at,
    },
  }));
  if (written.length === 0) return written;
  await tx
    .insertInto('messages')
    .values(
      written.map(({ record: { version: _version, content, metadata, ...row } }) => {
        const place = { conversation_id, message_id: row.message_id };
        return {
          ...row,
          key_id: cipher.keyId,
          content: cipher.encrypt(content, { ...place, field: 'content' }),
          metadata: cipher.encrypt(JSON.stringify(metadata), { ...place, field: 'metadata' }),
        };
      }),
    )
    .execute();
  return written;
}
