import { type Insertable, type Kysely, type Selectable, sql, type Transaction } from 'kysely';
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
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ConversationsTable, Database, OutboxPayloads } from '../database/schema.ts';
import { toConversationEntry } from '../outbox/outbox-entries.ts';
import { writeOutbox } from '../outbox/write-outbox.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import { loadConversations } from '../records/conversation-rows.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
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
 * row of the `conversation` event. Refusal: INVALID_REQUEST.
 */
export async function createConversation(
  { db, cipher }: Deps,
  { user_id, conversation }: Request,
): Promise<Created> {
  const judged = judgeParticipants(user_id, conversation);
  const { id, owed } = await db.transaction().execute((tx) => insert(tx, user_id, judged));
  const [loaded] = await loadConversations(db, [id]);
  const options = { cipher, nowMs: Date.now() };
  const record = loaded && toConversationRecord(loaded, user_id, options);
  if (loaded === undefined || record === undefined) {
    throw new KahaError('CONFLICT', 'The conversation changed meanwhile');
  }
  if (owed === undefined) return { created: false, record };
  return { created: true, record, entry: toConversationEntry(loaded, owed, cipher) };
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

type Inserted = { id: ConversationId; owed?: EventRow<OutboxPayloads['conversation']> };

async function insert(
  tx: Transaction<Database>,
  creatorId: UserId,
  { type, direct_key, people, columns }: NewConversation,
): Promise<Inserted> {
  const id = newId<ConversationId>();
  // All times of the outbox and of its log are the database's.
  const now = sql<string>`date_trunc('milliseconds', clock_timestamp())`;
  const inserted = await tx
    .insertInto('conversations')
    .values({
      conversation_id: id,
      type,
      direct_key,
      ...columns,
      created_by: creatorId,
      created_at: now,
      last_activity: now,
    })
    .onConflict((conflict) => conflict.column('direct_key').doNothing())
    .returning('created_at as at')
    .executeTakeFirst();
  if (inserted === undefined) {
    // The insert waited for the commit of the other transaction, so this statement sees its row.
    const existing = await tx
      .selectFrom('conversations')
      .select('conversation_id as id')
      .where('direct_key', '=', direct_key)
      .executeTakeFirstOrThrow();
    return existing;
  }
  const { at } = inserted;
  await insertParticipants(tx, { id, at, people });
  const event_id = newId<EventId>();
  const payload = { change: 'created' as const };
  const row = { event_id, conversation_id: id, seq: null, payload };
  await writeOutbox(tx, { kind: 'conversation', at, rows: [row] });
  return { id, owed: { ...row, created_at: at } };
}

type NewParticipants = { id: ConversationId; at: string; people: NewConversation['people'] };

async function insertParticipants(
  tx: Transaction<Database>,
  { id, at, people }: NewParticipants,
): Promise<void> {
  const userIds = people.map(({ user_id }) => user_id);
  // The rows are inserted in order, so that two creations with the same users cannot deadlock.
  await sql`insert into users (user_id)
    select user_id from unnest(${userIds}::uuid[]) as u (user_id) order by 1
    on conflict do nothing`.execute(tx);
  await tx
    .insertInto('participants')
    .values(people.map((one) => ({ ...one, conversation_id: id, joined_at: at })))
    .execute();
}
