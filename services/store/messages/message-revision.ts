import type { ContentCipher, MessageCipherPlace } from '../content/content-cipher.ts';
import { type MessageRow, openContent, openMetadata } from '../records/message-row.ts';

/**
 * A revision keeps the text that a message has before a change, for audits. The text is encrypted
 * anew, bound to a version that had it, so it could not be decrypted in the message's own row.
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
