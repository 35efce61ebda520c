import { type Kysely, sql, type Transaction } from 'kysely';
import { type EventId, newId } from '../../shared/ids.ts';
import type { HistoryMessage, MessageTarget, OutboxEntry, ReactionSet } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { type LockedMessage, lockMessage } from './locked-message.ts';
import { toRevision } from './message-revision.ts';
import type { DeletionReason } from './message-rights.ts';
import type { MessageRow } from './message-row.ts';
import { toMessageUpdate } from './message-update.ts';
import { loadReactions } from './reactions.ts';
import type { Database } from './schema.ts';
import { canSee, showMessages } from './shown-messages.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
type Tx = Transaction<Database>;

/** What a message is to be: its new columns, and for a tombstone why. */
export type Rewrite = {
  change: 'edited' | 'deleted';
  set: Partial<MessageRow>;
  reason?: DeletionReason;
};
export type Rewritten = { message: HistoryMessage; entry?: OutboxEntry };

/**
 * One transaction: locks the message, judges, keeps what it read, writes what it reads now with the
 * next version, and the event that is owed. `judge` throws the refusal, or gives undefined where
 * nothing is to change.
 */
export async function rewriteMessage(
  { db, cipher }: Deps,
  target: MessageTarget,
  judge: (locked: LockedMessage) => Rewrite | undefined,
): Promise<Rewritten> {
  const done = await db.transaction().execute(async (tx) => {
    const locked = await lockMessage(tx, target);
    const rewrite = judge(locked);
    if (rewrite === undefined) {
      return { locked, row: locked.row, reactions: await loadReactions(tx, [locked.row]) };
    }
    const row = { ...locked.row, ...rewrite.set, version: locked.row.version + 1 };
    const eventId = newId<EventId>();
    if (rewrite.reason !== undefined) await recordDeletion(tx, locked, rewrite.reason);
    await write(tx, { locked, rewrite, row, eventId, cipher });
    // As they were before: a message that never changed has none. A tombstone has none any more.
    const reactions = await loadReactions(tx, row.deleted_at === null ? [locked.row] : []);
    const sets = reactions.get(row.message_id) ?? [];
    const entry = toEntry({ eventId, rewrite, row, reactions: sets, locked }, cipher);
    return { locked, row, reactions, entry };
  });
  const { locked, row, reactions, entry } = done;
  const { viewer, members } = locked;
  const [shown] = await showMessages({ db, cipher }, { rows: [row], viewer, members, reactions });
  const message = shown as HistoryMessage;
  return entry === undefined ? { message } : { message, entry };
}

type Writing = {
  locked: LockedMessage;
  rewrite: Rewrite;
  row: MessageRow;
  eventId: EventId;
  cipher: ContentCipher;
};

async function write(tx: Tx, { locked, rewrite, row, eventId, cipher }: Writing): Promise<void> {
  const { conversation_id, seq, sent_at, version } = row;
  const { change, set } = rewrite;
  await tx
    .with('kept', (db) => db.insertInto('message_revisions').values(toRevision(locked, cipher)))
    .with('owed', (db) =>
      db.insertInto('outbox').values({
        event_id: eventId,
        conversation_id,
        kind: 'message_updated',
        seq,
        payload: JSON.stringify({ change, version, changed_at: locked.at }),
        created_at: sql<string>`clock_timestamp()`,
      }),
    )
    .updateTable('messages')
    .set({ ...set, version })
    .where('conversation_id', '=', conversation_id)
    .where('seq', '=', seq)
    .where('sent_at', '=', sent_at)
    .execute();
}

/** Reactions go with what they were to; who deleted it stays, for good. */
async function recordDeletion(
  tx: Tx,
  { row, viewer, at }: LockedMessage,
  reason: DeletionReason,
): Promise<void> {
  const { message_id, conversation_id, seq, sender_id } = row;
  await tx
    .with('gone', (db) => db.deleteFrom('reactions').where('message_id', '=', message_id))
    .insertInto('message_deletions')
    .values({
      ...{ message_id, conversation_id, seq, sender_id, reason },
      ...{ deleted_by: viewer.user_id, deleted_at: at },
    })
    .execute();
}

type Written = Omit<Writing, 'cipher'> & { reactions: readonly ReactionSet[] };

/** The event: for those who can see the message. */
function toEntry(
  { eventId, rewrite, row, reactions, locked }: Written,
  cipher: ContentCipher,
): OutboxEntry {
  const recorded = { change: rewrite.change, version: row.version };
  return {
    event_id: eventId,
    conversation_id: row.conversation_id,
    user_ids: locked.members.flatMap((one) => (canSee(one, row.seq) ? one.user_id : [])),
    kind: 'message_updated',
    update: toMessageUpdate({ row, reactions, recorded }, cipher),
    changed_at: locked.at,
  };
}
