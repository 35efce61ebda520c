import type { MessageEdit } from '../../../shared/contracts/messages.ts';
import { encrypt, type WritingCipher } from '../content/content-cipher.ts';
import { keyNameOf } from '../content/key-name.ts';
import { type MessageRow, openContent, openMetadata } from '../records/message-row.ts';
import { judgeEdit } from './message-rights.ts';
import {
  type Rewrite,
  type RewriteDeps,
  type Rewritten,
  rewriteMessage,
} from './rewrite-message.ts';

type Deps = RewriteDeps & { editWindowMs: number };

/**
 * `messages.edit` lets a sender change the text of a message within the edit window. An edit to the
 * same text changes nothing. A text that cannot be read is replaced too. Refusals:
 * MESSAGE_NOT_FOUND; FORBIDDEN; CONFLICT for a deleted message.
 */
export function editMessage(deps: Deps, request: MessageEdit): Promise<Rewritten> {
  const { editWindowMs: windowMs } = deps;
  const { user_id, content } = request;
  return rewriteMessage(deps, request, ({ row, at }, cipher) => {
    judgeEdit(row, user_id, { windowMs, nowMs: Date.parse(at) });
    const isSame = openContent(row, cipher.tryDecrypt) === content;
    return isSame ? undefined : seal(row, content, cipher);
  });
}

/**
 * A row has one key: metadata under an older key is encrypted anew along with the text. Metadata
 * that cannot be read is left to the revision.
 */
function seal(row: MessageRow, content: string, cipher: WritingCipher): Rewrite {
  const { conversation_id, message_id } = row;
  const place = { conversation_id, message_id };
  const sealed = encrypt(content, cipher, { ...place, field: 'content' });
  if (row.key_id === keyNameOf(cipher.key.place.generation)) {
    return { change: 'edited', content: sealed, metadata: row.metadata };
  }
  const metadata = openMetadata(row, cipher.tryDecrypt);
  return {
    change: 'edited',
    content: sealed,
    metadata:
      metadata === undefined ? null : encrypt(metadata, cipher, { ...place, field: 'metadata' }),
  };
}
