import type { ContentCipher, MessageCipherPlace } from './content-cipher.ts';
import type { LockedMessage } from './locked-message.ts';
import { openContent, openMetadata } from './message-row.ts';
import type { MessageRevisionsTable } from './schema.ts';

/**
 * What a message reads before it is changed, kept for audit. Sealed anew, bound to its version: put
 * back into the message's own row it would not open.
 */
export function toRevision(
  { row, at, viewer }: LockedMessage,
  cipher: ContentCipher,
): MessageRevisionsTable {
  const { conversation_id, message_id, version } = row;
  const seal = (plain: string, field: MessageCipherPlace['field']): Buffer =>
    cipher.encrypt(plain, { conversation_id, message_id, field, version });
  const metadata = openMetadata(row, cipher);
  return {
    message_id,
    version,
    conversation_id,
    content: row.content === null ? null : seal(openContent(row, cipher), 'content'),
    metadata: metadata === undefined ? null : seal(metadata, 'metadata'),
    key_id: cipher.keyId,
    replaced_at: at,
    replaced_by: viewer.user_id,
  };
}
