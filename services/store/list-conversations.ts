import { type Kysely, sql } from 'kysely';
import { type ConversationId, isUuidV4, type UserId } from '../../shared/ids.ts';
import type { ConversationRecord, ConversationsList } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { toConversationRecord } from './conversation-record.ts';
import { loadConversations } from './conversation-rows.ts';
import { decodeCursor, encodeCursor, isIsoTime } from './opaque-cursor.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
type Page = { records: ConversationRecord[]; next_cursor: string | null };

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/**
 * `conversations.list`, newest activity first. The pages of one listing show the order as it was
 * at its first page: the cursor carries that time, and a conversation that became active since is
 * put where it stood then. So each is listed exactly once, whatever is sent meanwhile.
 */
export async function listConversations(
  { db, cipher }: Deps,
  request: ConversationsList,
): Promise<Page> {
  const limit = Math.min(Math.max(request.limit ?? LIMIT_DEFAULT, 1), LIMIT_MAX);
  const places = await selectPlaces(db, {
    userId: request.user_id,
    archived: request.archived === true,
    position: readPosition(request.cursor),
    limit: limit + 1,
  });
  const page = places.slice(0, limit);
  const loaded = await loadConversations(
    db,
    page.map(({ conversation_id }) => conversation_id),
  );
  const options = { cipher, nowMs: Date.now() };
  const records = loaded.flatMap(
    (one) => toConversationRecord(one, request.user_id, options) ?? [],
  );
  const last = places.length > limit ? page.at(-1) : undefined;
  const next_cursor = last ? encodeCursor([last.as_of, last.activity, last.conversation_id]) : null;
  return { records, next_cursor };
}

type Position = { asOf: string; activity: string; conversationId: ConversationId };

function readPosition(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  const parts = decodeCursor(cursor, [isIsoTime, isIsoTime, isUuidV4]);
  const [asOf, activity, conversationId] = parts as [string, string, ConversationId];
  return { asOf, activity, conversationId };
}

type Place = { conversation_id: ConversationId; activity: string; as_of: string };
type Selection = {
  userId: UserId;
  archived: boolean;
  position: Position | undefined;
  limit: number;
};

/**
 * Activity as of a time: what it is now if that is not later, else the last message until then,
 * else the creation.
 */
async function selectPlaces(db: Kysely<Database>, selection: Selection): Promise<Place[]> {
  const { userId, archived, position, limit } = selection;
  const asOf = position?.asOf ?? null;
  const after = position
    ? sql`(activity, conversation_id)
        < (${position.activity}::timestamptz, ${position.conversationId}::uuid)`
    : sql`true`;
  const { rows } = await sql<Place>`
    select conversation_id, activity, as_of from (
      select c.conversation_id, t.as_of,
        case when c.last_activity <= t.as_of then c.last_activity
          else coalesce((select m.sent_at from messages m
            where m.conversation_id = c.conversation_id and m.sent_at <= t.as_of
            order by m.seq desc limit 1), c.created_at) end as activity
      from (select coalesce(${asOf}::timestamptz(3), clock_timestamp()::timestamptz(3)) as as_of) t
      cross join participants p
      join conversations c using (conversation_id)
      where p.user_id = ${userId} and p.left_at is null
        and (p.archived_at is not null) = ${archived} and c.created_at <= t.as_of
    ) listed
    where ${after}
    order by activity desc, conversation_id desc
    limit ${limit}`.execute(db);
  return rows;
}
