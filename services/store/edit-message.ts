import type { Kysely } from 'kysely';
import type { HistoryMessage, MessageEdit, OutboxEntry } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import {
  type LockedMessage,
  lockMessage,
  showChanged,
  toEntry,
  writeChange,
} from './locked-message.ts';
import { keepRevision } from './message-revisions.ts';
import { judgeEdit } from './message-rights.ts';
import { type MessageRow, openContent, openMetadata } from './message-row.ts';
import { loadReactions } from './reactions.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher; editWindowMs: number };
type Edited = { message: HistoryMessage; entry?: OutboxEntry };

/**
 * `messages.edit`: the sender's, within the edit window. What it read before is kept for audit. An
 * edit to the same text changes nothing. Refusals: MESSAGE_NOT_FOUND; FORBIDDEN; CONFLICT for one
 * that was deleted.
 */
export async function editMessage(deps: Deps, request: MessageEdit): Promise<Edited> {
  const { db, cipher, editWindowMs } = deps;
  const done = await db.transaction().execute(async (tx) => {
    const locked = await lockMessage(tx, request);
    const terms = { windowMs: editWindowMs, nowMs: Date.parse(locked.at) };
    judgeEdit(locked.row, request.user_id, terms);
    if (openContent(locked.row, cipher) === request.content) return { locked, row: locked.row };
    await keepRevision(tx, cipher, { ...locked, userId: request.user_id });
    const kind = 'edited' as const;
    const set = seal(locked, request.content, cipher);
    const { eventId, row } = await writeChange(tx, locked, { kind, set });
    const reactions = (await loadReactions(tx, [row])).get(row.message_id) ?? [];
    return { locked, row, entry: toEntry({ eventId, kind, row, reactions, locked }, cipher) };
  });
  const message = await showChanged(deps, done.row, done.locked);
  return done.entry === undefined ? { message } : { message, entry: done.entry };
}

/** One key seals a row: what was sealed with an older one is sealed anew along with the text. */
function seal({ row, at }: LockedMessage, content: string, cipher: ContentCipher) {
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
