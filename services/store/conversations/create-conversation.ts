import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { EventRow } from '../../../shared/durable-events/durable-event.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type ConversationId,
  type EventId,
  isUuidV4,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import type { ConversationInput } from '../../../shared/protocol/conversation-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { Database, OutboxPayloads } from '../database/schema.ts';
import { toConversationEntry } from '../outbox/outbox-entries.ts';
import { writeOutbox } from '../outbox/write-outbox.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import { loadConversations } from '../records/conversation-rows.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
type Request = { user_id: UserId; conversation: ConversationInput };
type Created = { created: boolean; record: ConversationRecord; entry?: OutboxEntry };

type NewConversation = { type: 'direct' | 'group'; userIds: UserId[]; input: DirectOrGroup };
type DirectOrGroup = Extract<ConversationInput, { type: 'direct' | 'group' }>;

/**
 * `conversations.create` makes a conversation. A direct conversation exists once per pair: if both
 * users create it at the same time, both get the same one, and only one of them gets `created`. The
 * transaction also writes the outbox row of the `conversation` event. Refusal: INVALID_REQUEST.
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

/** The creator always takes part, named or not. An impossible list is refused: INVALID_REQUEST. */
function judgeParticipants(creatorId: UserId, input: ConversationInput): NewConversation {
  if (input.type === 'business') {
    throw new KahaError('INVALID_REQUEST', 'Business conversations are not built yet');
  }
  const userIds = [...new Set([creatorId, ...input.participant_ids])];
  if (!userIds.every(isUuidV4)) throw new KahaError('INVALID_REQUEST', 'Not a user id');
  if (input.type === 'direct' && userIds.length !== 2) {
    throw new KahaError('INVALID_REQUEST', 'A direct conversation has exactly one other');
  }
  if (input.type === 'direct' && (input.title ?? input.description ?? input.avatar_url) != null) {
    throw new KahaError('INVALID_REQUEST', 'A direct conversation has no title of its own');
  }
  if (userIds.length < 2 || userIds.length > LIMITS.groupParticipantsMax) {
    const message = `A group has 2 to ${LIMITS.groupParticipantsMax} participants`;
    throw new KahaError('INVALID_REQUEST', message);
  }
  return { type: input.type, userIds, input };
}

type Inserted = { id: ConversationId; owed?: EventRow<OutboxPayloads['conversation']> };

async function insert(
  tx: Transaction<Database>,
  creatorId: UserId,
  { type, userIds, input }: NewConversation,
): Promise<Inserted> {
  const id = newId<ConversationId>();
  // All times of the outbox and of its log are the database's.
  const now = sql<string>`date_trunc('milliseconds', clock_timestamp())`;
  const direct_key = type === 'direct' ? [...userIds].sort().join(':') : null;
  const inserted = await tx
    .insertInto('conversations')
    .values({
      conversation_id: id,
      type,
      direct_key,
      title: input.title ?? null,
      description: input.description ?? null,
      avatar_url: input.avatar_url ?? null,
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
  await insertParticipants(tx, { id, at, creatorId, type, userIds });
  const event_id = newId<EventId>();
  const payload = { change: 'created' as const };
  const row = { event_id, conversation_id: id, seq: null, payload };
  await writeOutbox(tx, { kind: 'conversation', at, rows: [row] });
  return { id, owed: { ...row, created_at: at } };
}

type NewParticipants = {
  id: ConversationId;
  at: string;
  creatorId: UserId;
  type: 'direct' | 'group';
  userIds: readonly UserId[];
};

async function insertParticipants(
  tx: Transaction<Database>,
  participants: NewParticipants,
): Promise<void> {
  const { id, at, creatorId, type, userIds } = participants;
  // The rows are inserted in order, so that two creations with the same users cannot deadlock.
  await sql`insert into users (user_id)
    select user_id from unnest(${userIds}::uuid[]) as u (user_id) order by 1
    on conflict do nothing`.execute(tx);
  await tx
    .insertInto('participants')
    .values(
      userIds.map((user_id) => ({
        conversation_id: id,
        user_id,
        role: type === 'group' && user_id === creatorId ? 'admin' : 'member',
        joined_at: at,
      })),
    )
    .execute();
}
