import type { MessageEdit } from '../../../shared/contracts/messages.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
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
 * same text changes nothing. Refusals: MESSAGE_NOT_FOUND; FORBIDDEN; CONFLICT for a deleted
 * message.
 */
export function editMessage(deps: Deps, request: MessageEdit): Promise<Rewritten> {
  const { cipher, editWindowMs: windowMs } = deps;
  const { user_id, content } = request;
  return rewriteMessage(deps, request, ({ row, at }) => {
    judgeEdit(row, user_id, { windowMs, nowMs: Date.parse(at) });
    return openContent(row, cipher) === content ? undefined : seal(row, content, cipher);
  });
}

/** A row has one key: metadata under an older key is encrypted anew along with the text. */
function seal(row: MessageRow, content: string, cipher: ContentCipher): Rewrite {
  const { conversation_id, message_id } = row;
  const place = { conversation_id, message_id };
  const sealed = cipher.encrypt(content, { ...place, field: 'content' });
  const metadata = row.key_id === cipher.keyId ? undefined : openMetadata(row, cipher);
  return {
    change: 'edited',
    content: sealed,
    metadata:
      metadata === undefined
        ? row.metadata
        : cipher.encrypt(metadata, { ...place, field: 'metadata' }),
  };
}
