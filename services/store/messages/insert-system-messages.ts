import type { Transaction } from 'kysely';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import { encrypt, type WritingCipher } from '../content/content-cipher.ts';
import { keyNameOf } from '../content/key-name.ts';
import type { Database } from '../database/schema.ts';
import type { LastMessageRow } from '../records/conversation-rows.ts';

export type SystemRecord = Pick<
  MessageRecord,
  'message_id' | 'conversation_id' | 'seq' | 'sender_id' | 'version' | 'sent_at'
> & { message_type: 'system'; content: string; metadata: Record<string, unknown> };

/**
 * System messages are encrypted like all messages; they have no `client_msg_id`. The caller has
 * locked the conversation, has found the key of the cipher to be there, raises `last_seq`, and owes
 * the events. The result has the rows as they are stored.
 */
export async function insertSystemMessages(
  tx: Transaction<Database>,
  records: readonly SystemRecord[],
  cipher: WritingCipher,
): Promise<LastMessageRow[]> {
  const rows = records.map(({ version: _version, content, metadata, ...row }) => {
    const place = { conversation_id: row.conversation_id, message_id: row.message_id };
    return {
      ...row,
      key_id: keyNameOf(cipher.key.place.generation),
      content: encrypt(content, cipher, { ...place, field: 'content' }),
      metadata: encrypt(JSON.stringify(metadata), cipher, { ...place, field: 'metadata' }),
    };
  });
  if (rows.length > 0) await tx.insertInto('messages').values(rows).execute();
  return rows.map((row) => ({ ...row, deleted_at: null }));
}
