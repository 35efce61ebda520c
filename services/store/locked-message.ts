import { type Kysely, sql, type Transaction } from 'kysely';
import type { EventId } from '../../shared/ids.ts';
import { newId } from '../../shared/ids.ts';
import type {
  HistoryMessage,
  MessageChange,
  MessageTarget,
  OutboxEntry,
  ReactionSet,
} from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { noSuchMessage } from './find-message.ts';
import { type Member, selectMembers } from './members.ts';
import { MESSAGE_COLUMNS, type MessageRow } from './message-row.ts';
import { toMessageUpdate } from './message-update.ts';
import type { Database } from './schema.ts';
import { canSee, showMessages } from './shown-messages.ts';

type Tx = Transaction<Database>;

/** A message that nobody else can change before the transaction ends, and who takes part then. */
export type LockedMessage = {
  row: MessageRow;
  members: Member[];
  viewer: Member;
  /** Database time, not before any earlier change of the message. */
  at: string;
};

/**
 * Locks the message, then reads who takes part: what is judged is what holds at the commit. The
 * conversation is locked only against changes of who takes part (they lock it FOR UPDATE), so that
 * appends and receipts neither wait for a change of a message nor can deadlock with it. Refusal:
 * MESSAGE_NOT_FOUND, for whoever does not take part or does not see that far back.
 */
export async function lockMessage(
  tx: Tx,
  { user_id, message_id, place }: MessageTarget,
): Promise<LockedMessage> {
  const row = await tx
    .selectFrom('messages as m')
    .innerJoin('conversations as c', 'c.conversation_id', 'm.conversation_id')
    .select(MESSAGE_COLUMNS.map((name) => `m.${name}` as const))
    .select(sql<string>`clock_timestamp()::timestamptz(3)`.as('at'))
    .where('m.conversation_id', '=', place.conversation_id)
    .where('m.seq', '=', place.seq)
    .where('m.sent_at', '=', place.sent_at)
    .where('m.message_id', '=', message_id)
    .forNoKeyUpdate('m')
    .forKeyShare('c')
    .executeTakeFirst();
  if (row === undefined) throw noSuchMessage();
  const members = await selectMembers(tx, row.conversation_id);
  const viewer = members.find((member) => member.user_id === user_id);
  if (viewer === undefined || !canSee(viewer, row.seq)) throw noSuchMessage();
  return { row, members, viewer, at: row.at };
}

/** Writes what has changed of the row, with the next version, and the event that is owed. */
export async function writeChange(
  tx: Tx,
  { row, at }: LockedMessage,
  change: { kind: MessageChange; set: Partial<MessageRow> },
): Promise<{ eventId: EventId; row: MessageRow }> {
  const version = row.version + 1;
  const eventId = newId<EventId>();
  await tx
    .with('owed', (db) =>
      db.insertInto('outbox').values({
        event_id: eventId,
        conversation_id: row.conversation_id,
        kind: 'message_updated',
        seq: row.seq,
        payload: JSON.stringify({ change: change.kind, version, changed_at: at }),
        created_at: sql<string>`clock_timestamp()`,
      }),
    )
    .updateTable('messages')
    .set({ ...change.set, version })
    .where('conversation_id', '=', row.conversation_id)
    .where('seq', '=', row.seq)
    .where('sent_at', '=', row.sent_at)
    .execute();
  return { eventId, row: { ...row, ...change.set, version } };
}

type Changed = {
  eventId: EventId;
  kind: MessageChange;
  row: MessageRow;
  reactions: readonly ReactionSet[];
  locked: LockedMessage;
};

/** The event of a change that was written: for those who can see the message. */
export function toEntry(
  { eventId, kind, row, reactions, locked }: Changed,
  cipher: ContentCipher,
): OutboxEntry {
  const recorded = { change: kind, version: row.version };
  return {
    event_id: eventId,
    conversation_id: row.conversation_id,
    user_ids: locked.members.flatMap((one) => (canSee(one, row.seq) ? one.user_id : [])),
    kind: 'message_updated',
    update: toMessageUpdate({ row, reactions, recorded }, cipher),
    changed_at: locked.at,
  };
}

/** The message after the change, as the one who made it sees it. */
export async function showChanged(
  deps: { db: Kysely<Database>; cipher: ContentCipher },
  row: MessageRow,
  { viewer, members }: LockedMessage,
): Promise<HistoryMessage> {
  const [message] = await showMessages(deps, { rows: [row], viewer, members });
  return message as HistoryMessage;
}
