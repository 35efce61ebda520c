import { sql, type Transaction } from 'kysely';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { addressMessage } from '../../../shared/durable-events/message.ts';
import { type EventId, type MessageId, newId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import { assertKey } from '../content/key-gone.ts';
import type { Database } from '../database/schema.ts';
import { insertSystemMessages, type SystemRecord } from '../messages/insert-system-messages.ts';
import { toConversationEntry } from '../outbox/outbox-entries.ts';
import { writeOutbox } from '../outbox/write-outbox.ts';
import {
  type ConversationRow,
  type LastMessageRow,
  type LoadedConversation,
  type ParticipantRow,
  selectLastMessages,
  selectParticipants,
} from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';
import { firstShown } from '../records/visible-from.ts';
import { closingEvent, type OwedEvent } from './closing-event.ts';
import { currentOf, idsOf, type LockedConversation, type Plan, type Writing } from './plan.ts';

/** The outbox has a row for each of these messages and events. */
type Owed = { messages: SystemRecord[]; events: OwedEvent[]; now: string };
type Written = Owed & { loaded: LoadedConversation };

/**
 * Writes a plan. The result has the conversation as it is afterwards. The call throws `KeyGone` if
 * system messages cannot be written with the key.
 */
export async function writePlan(tx: Transaction<Database>, writing: Writing): Promise<Written> {
  const conversation = await writeConversation(tx, writing);
  const joined = await writeParticipants(tx, writing);
  const { messages, rows } = await writeSystemMessages(tx, writing);
  const owed = { messages, events: eventsOf(writing, conversation), now: writing.locked.now };
  await owe(tx, writing.locked, owed);
  const ids = [conversation.conversation_id];
  const lastMessage = rows.at(-1) ?? (await selectLastMessages(tx, ids))[0];
  const participants = afterStep(writing, joined) ?? (await selectParticipants(tx, ids));
  return { ...owed, loaded: { conversation, participants, lastMessage } };
}

/**
 * Returns who takes part after a step, of which nothing but who leaves and joins changes the rows.
 * The result is undefined for another command, and if the rows of those who have archived the
 * conversation changed too.
 */
function afterStep(
  { locked: { conversation, participants }, plan }: Writing,
  joined: readonly ParticipantRow[],
): ParticipantRow[] | undefined {
  if (plan.step === undefined || conversation.has_archived) return undefined;
  const newIds = idsOf(joined);
  const stayed = currentOf(participants).filter(
    ({ user_id }) => user_id !== plan.leave && !newIds.includes(user_id),
  );
  const place = ({ joined_at, user_id }: ParticipantRow): string => `${joined_at} ${user_id}`;
  return [...stayed, ...joined].sort((one, other) => (place(one) < place(other) ? -1 : 1));
}

/**
 * A router fans these entries out, events before messages. They describe the conversation as it is
 * after the change.
 */
export function toEntries(
  { events, messages, now, loaded }: Written,
  cipher: ContentCipher,
): OutboxEntry[] {
  const participants = toParticipants(loaded);
  const { conversation_id, version } = participants;
  const place = { conversation_id, seq: null, created_at: now };
  return [
    ...events.map((event) => toConversationEntry(loaded, { ...place, ...event }, cipher)),
    ...messages.map((record) => {
      const event_id = record.message_id as string as EventId;
      const address = { event_id, conversation_id, version };
      return { ...address, kind: 'message' as const, ...addressMessage(participants, record) };
    }),
  ];
}

function writeConversation(tx: Transaction<Database>, writing: Writing): Promise<ConversationRow> {
  const { locked, plan } = writing;
  const { conversation, at } = locked;
  const count = plan.messages.length;
  const isMessage = count > 0;
  return tx
    .updateTable('conversations as c')
    .set({
      ...plan.set,
      version: conversation.version + 1,
      ...(isMessage && {
        last_seq: conversation.last_seq + count,
        last_sent_at: at,
        last_activity: at,
        has_archived: false,
      }),
      ...(plan.own?.archived_at != null && { has_archived: true }),
    })
    .where('c.conversation_id', '=', conversation.conversation_id)
    .returningAll()
    .returning(firstShown)
    .executeTakeFirstOrThrow();
}

/** Every row that is written here is locked already, or new. Returns the rows of who joins. */
async function writeParticipants(
  tx: Transaction<Database>,
  writing: Writing,
): Promise<ParticipantRow[]> {
  const { command, locked, plan } = writing;
  const { conversation, at } = locked;
  const { conversation_id: id } = conversation;
  const update = (set: object, userId = command.user_id) =>
    tx
      .updateTable('participants')
      .set(set)
      .where('conversation_id', '=', id)
      .where('user_id', '=', userId)
      .execute();
  if (plan.own !== undefined) await update(plan.own);
  if (plan.leave !== undefined) await update({ left_at: at }, plan.leave);
  if (plan.promote !== undefined) await update({ role: 'admin' }, plan.promote);
  const joined = plan.join === undefined ? [] : await insertJoining(tx, writing, plan.join);
  if (plan.messages.length === 0) return joined;
  if (plan.step === undefined) {
    const seq = conversation.last_seq + plan.messages.length;
    await update({ delivered_seq: seq, delivered_at: at, read_seq: seq, read_at: at });
  }
  if (conversation.has_archived) {
    await sql`update participants set archived_at = null
      where conversation_id = ${id} and archived_at is not null`.execute(tx);
  }
  return joined;
}

/** Each planned event is owed to its users; a user who leaves gets an event of their own. */
function eventsOf({ locked, plan, cipher }: Writing, { first_seq }: ConversationRow): OwedEvent[] {
  const events: OwedEvent[] = plan.events
    .filter(({ to }) => to.length > 0)
    .map(({ change, to }) => ({ event_id: newId(), payload: { change, user_ids: [...to] } }));
  if (plan.leave !== undefined) {
    const { conversation: before, participants } = locked;
    const leaving = {
      userId: plan.leave,
      change: plan.step === undefined ? ('participants' as const) : ('assigned' as const),
      conversation: { ...before, ...plan.set, first_seq, version: before.version + 1 },
      participants: currentOf(participants),
    };
    events.push(closingEvent(leaving, cipher));
  }
  return events;
}

async function owe(
  tx: Transaction<Database>,
  { conversation: { conversation_id }, now: at }: LockedConversation,
  { events, messages }: Owed,
): Promise<void> {
  const changes = events.map((event) => ({ ...event, conversation_id, seq: null }));
  const sent = messages.map(({ message_id, seq }) => {
    return { event_id: message_id as string as EventId, conversation_id, seq, payload: null };
  });
  await writeOutbox(
    tx,
    { kind: 'conversation', at, rows: changes },
    { kind: 'message', at, rows: sent },
  );
}

/**
 * The users join for the first time or again. Members' positions start at the last message before,
 * so that nothing older is unread, and no message that everybody had read turns unread again.
 */
async function insertJoining(
  tx: Transaction<Database>,
  { locked }: Writing,
  { userIds, role, firstVisibleSeq, readSeq }: NonNullable<Plan['join']>,
): Promise<ParticipantRow[]> {
  const { conversation, at } = locked;
  const { conversation_id: id, last_seq: lastSeq } = conversation;
  const { rows } = await sql<ParticipantRow>`
    with known as (insert into users (user_id)
      select user_id from unnest(${userIds}::uuid[]) as u (user_id) order by 1
      on conflict do nothing)
    insert into participants (conversation_id, user_id, role, joined_at, joined_seq,
      first_visible_seq, delivered_seq, read_seq)
    select ${id}, user_id, ${role}::participant_role, ${at}::timestamptz, ${lastSeq + 1}::bigint,
      ${firstVisibleSeq}::bigint, ${readSeq}::bigint, ${readSeq}::bigint
    from unnest(${userIds}::uuid[]) as u (user_id) order by user_id
    on conflict (conversation_id, user_id) do update set
      role = excluded.role, joined_at = excluded.joined_at, left_at = null,
      joined_seq = excluded.joined_seq, first_visible_seq = excluded.first_visible_seq,
      delivered_seq = excluded.delivered_seq, delivered_at = null,
      read_seq = excluded.read_seq, read_at = null,
      is_muted = false, muted_until = null, archived_at = null
    returning *`.execute(tx);
  return rows;
}

async function writeSystemMessages(
  tx: Transaction<Database>,
  { command, locked, plan, cipher }: Writing,
): Promise<{ messages: SystemRecord[]; rows: LastMessageRow[] }> {
  const { conversation_id, last_seq } = locked.conversation;
  const messages = plan.messages.map(({ content, ...metadata }, index) => ({
    message_id: newId<MessageId>(),
    conversation_id,
    seq: last_seq + 1 + index,
    sender_id: command.user_id,
    version: 1,
    content,
    message_type: 'system' as const,
    metadata,
    sent_at: locked.at,
  }));
  if (messages.length > 0) await assertKey(tx, cipher.key);
  return { messages, rows: await insertSystemMessages(tx, messages, cipher) };
}
