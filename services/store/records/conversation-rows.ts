import { type Kysely, type Selectable, sql } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';
import type {
  ConversationsTable,
  Database,
  MessagesTable,
  ParticipantsTable,
} from '../database/schema.ts';
import { metadataOfSystem } from './message-row.ts';
import { firstShown } from './visible-from.ts';

export type ConversationRow = Selectable<ConversationsTable>;
export type ParticipantRow = Selectable<ParticipantsTable>;
export type LastMessageRow = Pick<
  Selectable<MessagesTable>,
  | 'conversation_id'
  | 'message_id'
  | 'seq'
  | 'sender_id'
  | 'message_type'
  | 'content'
  | 'metadata'
  | 'key_id'
  | 'sent_at'
  | 'deleted_at'
>;

export type LoadedConversation = {
  conversation: ConversationRow;
  /** The list has everybody who takes part now; users who have left are not in it. */
  participants: ParticipantRow[];
  lastMessage: LastMessageRow | undefined;
};

/** Conversations come with their participants and last message, in the order of the ids. */
export async function loadConversations(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<LoadedConversation[]> {
  if (ids.length === 0) return [];
  const [conversations, participants, messages] = await Promise.all([
    selectConversations(db, ids),
    selectParticipants(db, ids),
    selectLastMessages(db, ids),
  ]);
  const grouped = byConversation(participants);
  const newest = await selectNewest(db, withoutLast(conversations, messages));
  const last = new Map([...messages, ...newest].map((row) => [row.conversation_id, row]));
  const byId = new Map(conversations.map((row) => [row.conversation_id, row]));
  return ids.flatMap((id) => {
    const conversation = byId.get(id);
    if (conversation === undefined) return [];
    return { conversation, participants: grouped.get(id) ?? [], lastMessage: last.get(id) };
  });
}

/** The last messages of a page are those of its texts that it shows. */
export function lastMessagesOf(all: readonly LoadedConversation[]): LastMessageRow[] {
  return all.flatMap(({ lastMessage }) => lastMessage ?? []);
}

function byConversation(rows: readonly ParticipantRow[]): Map<ConversationId, ParticipantRow[]> {
  const groups = new Map<ConversationId, ParticipantRow[]>();
  for (const row of rows) {
    const group = groups.get(row.conversation_id);
    if (group === undefined) groups.set(row.conversation_id, [row]);
    else group.push(row);
  }
  return groups;
}

function selectConversations(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<ConversationRow[]> {
  return db
    .selectFrom('conversations as c')
    .selectAll('c')
    .select(firstShown)
    .where('c.conversation_id', '=', anyOf(ids))
    .execute();
}

/** The result has everybody who takes part now. */
export function selectParticipants(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<ParticipantRow[]> {
  return db
    .selectFrom('participants')
    .selectAll()
    .where('conversation_id', '=', anyOf(ids))
    .where('left_at', 'is', null)
    .orderBy('joined_at')
    .orderBy('user_id')
    .execute();
}

/**
 * The join uses the whole primary key with `sent_at`, so each message is found in one partition.
 */
export function selectLastMessages(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<LastMessageRow[]> {
  return db
    .selectFrom('conversations as c')
    .innerJoin('messages as m', (join) =>
      join
        .onRef('m.conversation_id', '=', 'c.conversation_id')
        .onRef('m.seq', '=', 'c.last_seq')
        .onRef('m.sent_at', '=', 'c.last_sent_at'),
    )
    .select(['m.conversation_id', 'm.message_id', 'm.seq', 'm.sender_id', 'm.message_type'])
    .select(['m.content', 'm.key_id', 'm.sent_at', 'm.deleted_at', metadataOfSystem('m')])
    .where('c.conversation_id', '=', anyOf(ids))
    .execute();
}

/** These conversations show messages, but the row of their last one is gone. */
function withoutLast(
  conversations: readonly ConversationRow[],
  messages: readonly LastMessageRow[],
): ConversationRow[] {
  const found = new Set(messages.map(({ conversation_id }) => conversation_id));
  return conversations.filter(
    ({ conversation_id, first_seq, last_seq }) =>
      last_seq >= first_seq && !found.has(conversation_id),
  );
}

/** The query finds the newest message that each of the conversations shows. */
async function selectNewest(
  db: Kysely<Database>,
  conversations: readonly ConversationRow[],
): Promise<LastMessageRow[]> {
  if (conversations.length === 0) return [];
  const { rows } = await sql<LastMessageRow>`
    select m.* from unnest(
      ${conversations.map(({ conversation_id }) => conversation_id)}::uuid[],
      ${conversations.map(({ first_seq }) => first_seq)}::bigint[])
      as c (conversation_id, first_seq)
    cross join lateral (
      select m.conversation_id, m.message_id, m.seq, m.sender_id, m.message_type, m.content,
        m.key_id, m.sent_at, m.deleted_at, ${metadataOfSystem('m')}
      from messages m
      where m.conversation_id = c.conversation_id and m.seq >= c.first_seq
      order by m.seq desc limit 1) m`.execute(db);
  return rows;
}

/** The ids are one array parameter, so that any number of ids is the same statement. */
function anyOf(ids: readonly ConversationId[]) {
  return sql<ConversationId>`any(${ids}::uuid[])`;
}
