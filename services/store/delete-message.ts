import type { Kysely } from 'kysely';
import type { HistoryMessage, MessageTarget, OutboxEntry } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { lockMessage, showChanged, toEntry, writeChange } from './locked-message.ts';
import { keepRevision } from './message-revisions.ts';
import { judgeDelete } from './message-rights.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
type Deleted = { message: HistoryMessage; entry?: OutboxEntry };

/**
 * `messages.delete`: by its sender or a group admin. A tombstone stays, without content, metadata
 * and reactions; no read can show them, they are not in the row any more. What it read is kept for
 * audit, and so is who deleted it. Deleting twice answers the tombstone. Refusals:
 * MESSAGE_NOT_FOUND, FORBIDDEN.
 */
export async function deleteMessage(deps: Deps, request: MessageTarget): Promise<Deleted> {
  const { db, cipher } = deps;
  const { user_id, message_id } = request;
  const done = await db.transaction().execute(async (tx) => {
    const locked = await lockMessage(tx, request);
    const reason = judgeDelete(locked.row, user_id, locked.viewer.role);
    if (locked.row.deleted_at !== null) return { locked, row: locked.row };
    await keepRevision(tx, cipher, { ...locked, userId: user_id });
    const { conversation_id, seq, sender_id } = locked.row;
    const set = { content: null, metadata: null, deleted_at: locked.at };
    await tx
      .with('gone', (db) => db.deleteFrom('reactions').where('message_id', '=', message_id))
      .insertInto('message_deletions')
      .values({
        ...{ message_id, conversation_id, seq, sender_id, reason },
        ...{ deleted_by: user_id, deleted_at: locked.at },
      })
      .execute();
    const kind = 'deleted' as const;
    const { eventId, row } = await writeChange(tx, locked, { kind, set });
    return { locked, row, entry: toEntry({ eventId, kind, row, reactions: [], locked }, cipher) };
  });
  const message = await showChanged(deps, done.row, done.locked);
  return done.entry === undefined ? { message } : { message, entry: done.entry };
}
