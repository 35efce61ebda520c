import type { Kysely } from 'kysely';
import type { MessageEdit } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import type { LockedMessage } from './locked-message.ts';
import { judgeEdit } from './message-rights.ts';
import { type MessageRow, openContent, openMetadata } from './message-row.ts';
import { type Rewritten, rewriteMessage } from './rewrite-message.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher; editWindowMs: number };

/**
 * `messages.edit`: the sender's, within the edit window. An edit to the same text changes nothing.
 * Refusals: MESSAGE_NOT_FOUND; FORBIDDEN; CONFLICT for one that was deleted.
 */
export function editMessage(deps: Deps, request: MessageEdit): Promise<Rewritten> {
  const { cipher, editWindowMs: windowMs } = deps;
  const { user_id, content } = request;
  return rewriteMessage(deps, request, (locked) => {
    judgeEdit(locked.row, user_id, { windowMs, nowMs: Date.parse(locked.at) });
    if (openContent(locked.row, cipher) === content) return undefined;
    return { change: 'edited', set: seal(locked, content, cipher) };
  });
}

/** One key seals a row: what was sealed with an older one is sealed anew along with the text. */
function seal(
  { row, at }: LockedMessage,
  content: string,
  cipher: ContentCipher,
): Partial<MessageRow> {
  const { conversation_id, message_id } = row;
  const place = { conversation_id, message_id };
  const set: Partial<MessageRow> = {
    content: cipher.encrypt(content, { ...place, field: 'content' }),
    key_id: cipher.keyId,
    edited_at: at,
  };
  const metadata = row.key_id === cipher.keyId ? undefined : openMetadata(row, cipher);
  if (metadata !== undefined) {
    set.metadata = cipher.encrypt(metadata, { ...place, field: 'metadata' });
  }
  return set;
}
