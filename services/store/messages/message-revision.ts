import type { ContentCipher, MessageCipherPlace } from '../content/content-cipher.ts';
import { type MessageRow, openContent, openMetadata } from '../records/message-row.ts';

/**
 * What a message reads before it is changed, kept for audit. Sealed anew, bound to a version that
 * read so: put back into the message's own row it would not open.
 */
export function toRevision(
  row: MessageRow,
  cipher: ContentCipher,
): { content: Buffer | null; metadata: Buffer | null } {
  const { conversation_id, message_id, version } = row;
  const seal = (plain: string, field: MessageCipherPlace['field']): Buffer =>
    cipher.encrypt(plain, { conversation_id, message_id, field, version });
  const metadata = openMetadata(row, cipher);
  return {
    content: row.content === null ? null : seal(openContent(row, cipher), 'content'),
    metadata: metadata === undefined ? null : seal(metadata, 'metadata'),
  };
}
