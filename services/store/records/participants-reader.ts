import { type Kysely, sql } from 'kysely';
import type { Participants } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ConversationRow, ParticipantRow } from './conversation-rows.ts';
import { present } from './present.ts';

export type ParticipantsReader = (conversationId: ConversationId) => Promise<Participants>;

type Waiting = {
  conversationId: ConversationId;
  resolve: (participants: Participants) => void;
  reject: (error: unknown) => void;
};

const BATCH_MAX = 200;
/**
 * When this many reads wait, a further read is refused with DATABASE_UNAVAILABLE. The bound is many
 * times what Postgres can answer within a deadline.
 */
const WAITING_MAX = 10_000;

/**
 * `conversations.participants` tells a router who gets the events of a conversation. Reads that
 * come while a query runs share the next query, because routers that restart ask for every
 * conversation once. Refusals: CONVERSATION_NOT_FOUND, DATABASE_UNAVAILABLE.
 *
 * A `Gatherer` would not do here: it waits for a fixed time, and all of its batch ends alike, while
 * each read has a result of its own and waits only for the query before.
 */
export function createParticipantsReader(db: Kysely<Database>): ParticipantsReader {
  let waiting: Waiting[] = [];
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    try {
      // Every read that arrives in this turn of the event loop joins the first query.
      await new Promise((resolve) => setImmediate(resolve));
      while (waiting.length > 0) {
        const batch = waiting.slice(0, BATCH_MAX);
        waiting = waiting.slice(BATCH_MAX);
        await settle(db, batch);
      }
    } finally {
      running = false;
    }
  };
  return (conversationId) => {
    if (waiting.length >= WAITING_MAX) {
      return Promise.reject(new KahaError('DATABASE_UNAVAILABLE', 'Too many reads wait'));
    }
    return new Promise((resolve, reject) => {
      waiting.push({ conversationId, resolve, reject });
      if (!running) void run();
    });
  };
}

async function settle(db: Kysely<Database>, batch: readonly Waiting[]): Promise<void> {
  try {
    const ids = new Set(batch.map(({ conversationId }) => conversationId));
    const found = await readParticipants(db, [...ids]);
    for (const { conversationId, resolve, reject } of batch) {
      const participants = found.get(conversationId);
      if (participants !== undefined) resolve(participants);
      else reject(new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation'));
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

/** Any number of ids is the same statement, so that Postgres keeps its plan. */
async function readParticipants(
  db: Kysely<Database>,
  ids: readonly ConversationId[],
): Promise<Map<ConversationId, Participants>> {
  const rows = await db
    .selectFrom('conversations as c')
    .leftJoin('participants as p', (join) =>
      join.onRef('p.conversation_id', '=', 'c.conversation_id').on('p.left_at', 'is', null),
    )
    .select([
      'c.conversation_id',
      'c.type',
      'c.business_id',
      'c.version',
      'p.user_id',
      'p.first_visible_seq',
      'p.joined_seq',
    ])
    .where('c.conversation_id', '=', sql<ConversationId>`any(${ids}::uuid[])`)
    .orderBy('p.user_id')
    .execute();
  const loaded = new Map<ConversationId, { conversation: Head; participants: Part[] }>();
  for (const { user_id, first_visible_seq, joined_seq, ...conversation } of rows) {
    const { conversation_id: id } = conversation;
    const known = loaded.get(id) ?? { conversation, participants: [] };
    loaded.set(id, known);
    if (user_id === null || first_visible_seq === null || joined_seq === null) continue;
    known.participants.push({ user_id, first_visible_seq, joined_seq });
  }
  return new Map([...loaded].map(([id, parts]) => [id, toParticipants(parts)]));
}

type Head = Pick<ConversationRow, 'conversation_id' | 'type' | 'business_id' | 'version'>;
type Part = Pick<ParticipantRow, 'user_id' | 'first_visible_seq' | 'joined_seq'>;

type Loaded = { conversation: Head; participants: readonly Part[] };

export function toParticipants({ conversation, participants }: Loaded): Participants {
  const { conversation_id, type, version } = conversation;
  const user_ids: UserId[] = [];
  const late: Participants['late'] = [];
  const joiners: Participants['joiners'] = [];
  for (const { user_id, first_visible_seq: from, joined_seq: joinedSeq } of participants) {
    user_ids.push(user_id);
    if (from > 1) late.push([user_id, from]);
    if (joinedSeq > 1) joiners.push([user_id, joinedSeq]);
  }
  const business = present(conversation, ['business_id']);
  return { conversation_id, type, ...business, version, user_ids, late, joiners };
}
