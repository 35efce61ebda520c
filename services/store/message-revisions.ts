import type { Transaction } from 'kysely';
import type { UserId } from '../../shared/ids.ts';
import type { CipherPlace, ContentCipher } from './content-cipher.ts';
import { type MessageRow, openContent, openMetadata } from './message-row.ts';
import type { Database } from './schema.ts';

type Replaced = { row: MessageRow; at: string; userId: UserId };

/**
 * Keeps what a message reads before it is changed, for audit. Sealed anew, bound to its version:
 * put back into the message's own row it would not open.
 */
export async function keepRevision(
  tx: Transaction<Database>,
  cipher: ContentCipher,
  { row, at, userId }: Replaced,
): Promise<void> {
  const { conversation_id, message_id, version } = row;
  const seal = (plain: string, field: CipherPlace['field']): Buffer =>
    cipher.encrypt(plain, { conversation_id, message_id, field, version });
  const metadata = openMetadata(row, cipher);
  await tx
    .insertInto('message_revisions')
    .values({
      message_id,
      version,
      conversation_id,
      content: row.content === null ? null : seal(openContent(row, cipher), 'content'),
      metadata: metadata === undefined ? null : seal(metadata, 'metadata'),
      key_id: cipher.keyId,
      replaced_at: at,
      replaced_by: userId,
    })
    .execute();
}
