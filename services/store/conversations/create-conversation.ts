import { type Insertable, type Kysely, type Selectable, sql } from 'kysely';
import type { ConversationRecord, Role } from '../../../shared/contracts/conversations.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { EventRow } from '../../../shared/durable-events/durable-event.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type BusinessId,
  type ConversationId,
  type EventId,
  isUuidV4,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import type { ConversationInput } from '../../../shared/protocol/conversation-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { ConversationsTable, Database, OutboxPayloads } from '../database/schema.ts';
import { assertSomebody, erased } from '../erasures/assert-not-erased.ts';
import type { ErasureSecret } from '../erasures/erasure-secret.ts';
import { toConversationEntry } from '../outbox/outbox-entries.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import {
  type ConversationRow,
  type LoadedConversation,
  lastMessagesOf,
  loadConversations,
  type ParticipantRow,
} from '../records/conversation-rows.ts';
import { countUnread } from '../records/count-unread.ts';
import { fromJson } from '../records/json-rows.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers; secret: ErasureSecret };
type Request = { user_id: UserId; conversation: ConversationInput };
type Created = { created: boolean; record: ConversationRecord; entry?: OutboxEntry };

type NewConversation = Pick<Selectable<ConversationsTable>, 'type' | 'direct_key'> & {
  people: { user_id: UserId; role: Role }[];
  columns: Partial<Insertable<ConversationsTable>>;
};

/**
 * `conversations.create` makes a conversation. A direct conversation exists once per pair, and a
 * business conversation once per customer and business: of two calls at the same time both get the
 * same conversation, and only one of them gets `created`. The transaction also writes the outbox
 * row of the `conversation` event. Refusals: INVALID_REQUEST; CONFLICT if one of the users was
 * erased.
 */
export async function createConversation(
  { db, ciphers, secret }: Deps,
  { user_id, conversation }: Request,
): Promise<Created> {
  const judged = judgeParticipants(user_id, conversation);
  const userIds = judged.people.map((one) => one.user_id);
  assertSomebody(userIds);
  const hashes = await Promise.all(userIds.map((userId) => secret.hashOf(userId)));
  const inserted = await insert(db, user_id, { ...judged, hashes });
  const loaded = inserted?.loaded ?? (await loadExisting(db, judged));
  const cipher = await ciphers.open(loaded === undefined ? [] : lastMessagesOf([loaded]));
  const unread = loaded && (await countUnread(db, [loaded], user_id));
  const options = { cipher, nowMs: Date.now(), ...(unread && { unread }) };
  const record = loaded && toConversationRecord(loaded, user_id, options);
  if (loaded === undefined || record === undefined) {
    throw new KahaError('CONFLICT', 'The conversation changed meanwhile');
  }
  if (inserted === undefined) return { created: false, record };
  return { created: true, record, entry: toConversationEntry(loaded, inserted.owed, cipher) };
}

/** An impossible list of participants, or an impossible business, is refused: INVALID_REQUEST. */
function judgeParticipants(creatorId: UserId, input: ConversationInput): NewConversation {
  if (input.type === 'business') return ofBusiness(creatorId, input.business_id);
  const { type, participant_ids: ids, title, description, avatar_url } = input;
  // The creator always takes part, named or not.
  const userIds = [...new Set([creatorId, ...ids])];
  if (!userIds.every(isUuidV4)) throw new KahaError('INVALID_REQUEST', 'Not a user id');
  if (type === 'direct' && userIds.length !== 2) {
    throw new KahaError('INVALID_REQUEST', 'A direct conversation has exactly one other');
  }
  if (type === 'direct' && (title ?? description ?? avatar_url) != null) {
    throw new KahaError('INVALID_REQUEST', 'A direct conversation has no title of its own');
  }
  if (userIds.length < 2 || userIds.length > LIMITS.groupParticipantsMax) {
    const message = `A group has 2 to ${LIMITS.groupParticipantsMax} participants`;
    throw new KahaError('INVALID_REQUEST', message);
  }
  const roleOf = (userId: UserId) =>
    type === 'group' && userId === creatorId ? 'admin' : 'member';
  return {
    type,
    direct_key: type === 'direct' ? [...userIds].sort().join(':') : null,
    people: userIds.map((user_id) => ({ user_id, role: roleOf(user_id) })),
    columns: {
      title: title ?? null,
      description: description ?? null,
      avatar_url: avatar_url ?? null,
    },
  };
}

/**
 * The creator is the customer. Every id can be that of a business, but for the creator's own. The
 * conversation is closed and stands in no inbox until its first message.
 */
function ofBusiness(customer_id: UserId, business_id: BusinessId): NewConversation {
  if (!isUuidV4(business_id)) throw new KahaError('INVALID_REQUEST', 'Not a business id');
  if ((business_id as string) === customer_id) {
    throw new KahaError('INVALID_REQUEST', 'Nobody is a business to themselves');
  }
  return {
    type: 'business',
    direct_key: `business:${business_id}:${customer_id}`,
    people: [{ user_id: customer_id, role: 'customer' }],
    columns: { business_id, customer_id, state: 'closed' },
  };
}

type Inserted = { loaded: LoadedConversation; owed: EventRow<OutboxPayloads['conversation']> };
/** There is nothing but `is_allowed` if the conversation exists, or must not be made. */
type InsertedRow = {
  is_allowed: boolean;
  conversation: ConversationRow | null;
  participants: ParticipantRow[];
};

/**
 * One statement writes all of a new conversation, and so it is a transaction. The result is
 * undefined if the conversation exists: the insert has waited for the commit of the other one then.
 * The rows of users are inserted in order, so that two creations with the same users cannot
 * deadlock. All times of the outbox and of its log are the database's. `hashes` are those of the
 * users, and CONFLICT says that one of them was erased.
 */
async function insert(
  db: Kysely<Database>,
  creatorId: UserId,
  { type, direct_key, people, columns, hashes }: NewConversation & { hashes: Buffer[] },
): Promise<Inserted | undefined> {
  const id = newId<ConversationId>();
  const event_id = newId<EventId>();
  const payload = { change: 'created' as const };
  const userIds = people.map(({ user_id }) => user_id);
  const roles = people.map(({ role }) => role);
  const { title = null, description = null, avatar_url = null } = columns;
  const { business_id = null, customer_id = null, state = null } = columns;
  const { rows } = await sql<InsertedRow>`
    with allowed as materialized (
      select not any_erased(${hashes}::bytea[]) as is_allowed
    ), made as (
      insert into conversations (conversation_id, type, direct_key, title, description,
        avatar_url, business_id, customer_id, state, created_by, created_at, last_activity)
      select ${id}::uuid, ${type}::conversation_type, ${direct_key}, ${title}, ${description},
        ${avatar_url}, ${business_id}::uuid, ${customer_id}::uuid, ${state}::business_state,
        ${creatorId}::uuid, now, now
      from allowed, (select date_trunc('milliseconds', clock_timestamp()) as now) clock
      where is_allowed
      on conflict (direct_key) do nothing
      returning *
    ), known as (
      insert into users (user_id)
      select user_id from made, unnest(${userIds}::uuid[]) as u (user_id) order by 1
      on conflict do nothing
    ), joined as (
      insert into participants (conversation_id, user_id, role, joined_at)
      select conversation_id, user_id, role::participant_role, created_at
      from made, unnest(${userIds}::uuid[], ${roles}::text[]) as u (user_id, role)
      returning *
    )
    select is_allowed,
      case when conversation_id is not null then to_jsonb(made) end as conversation,
      (select jsonb_agg(joined order by user_id) from joined) as participants,
      case when conversation_id is not null then
        write_outbox('conversation', array[${event_id}]::uuid[], array[conversation_id],
          array[null]::bigint[], array[${JSON.stringify(payload)}]::jsonb[], created_at) end as owed
    from allowed left join made on true`.execute(db);
  const [row] = rows;
  if (row?.is_allowed !== true) throw erased();
  if (row.conversation === null) return undefined;
  const conversation = fromJson(row.conversation);
  const participants = row.participants.map(fromJson);
  const owed = { event_id, conversation_id: id, seq: null, payload };
  return {
    loaded: { conversation, participants, lastMessage: undefined },
    owed: { ...owed, created_at: conversation.created_at },
  };
}

async function loadExisting(
  db: Kysely<Database>,
  { direct_key }: NewConversation,
): Promise<LoadedConversation | undefined> {
  const { conversation_id } = await db
    .selectFrom('conversations')
    .select('conversation_id')
    .where('direct_key', '=', direct_key)
    .executeTakeFirstOrThrow();
  return (await loadConversations(db, [conversation_id]))[0];
}
