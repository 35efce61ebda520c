import { type Kysely, sql } from 'kysely';
import type { InboxList } from '../../../shared/contracts/inbox-reads.ts';
import { type ConversationId, isUuidV4 } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { decodeCursor, encodeCursor, isIsoTime } from '../records/opaque-cursor.ts';

/** A conversation stands in its view by the `place` first, and by its id among equal ones. */
type InboxPlace = { place: string; conversation_id: ConversationId };

/** `own` names the agent who may see the conversation; every agent may see what waits. */
type View = {
  state: 'waiting' | 'assigned' | 'closed';
  by: 'waiting_since' | 'assignee_id' | 'closed_at';
  isPlace: (part: unknown) => boolean;
  isNewestFirst?: true;
  own?: 'assignee_id' | 'last_agent_id';
};

const ASSIGNED: View = {
  state: 'assigned',
  by: 'assignee_id',
  isPlace: isUuidV4,
  own: 'assignee_id',
};
/**
 * Each view stands in the order of an index. A conversation keeps its place as long as it is in the
 * view, so a listing shows it once. One that was never open has no `closed_at`, and is in no view.
 */
const VIEWS: Readonly<Record<InboxList['view'], View>> = {
  waiting: { state: 'waiting', by: 'waiting_since', isPlace: isIsoTime },
  mine: ASSIGNED,
  assigned: ASSIGNED,
  closed: {
    state: 'closed',
    by: 'closed_at',
    isPlace: isIsoTime,
    isNewestFirst: true,
    own: 'last_agent_id',
  },
};

type Page = { isAll: boolean; limit: number };

/** `isAll` says that the user may see all conversations of the view, and not only their own. */
export async function selectInboxPlaces(
  db: Kysely<Database>,
  request: InboxList,
  { isAll, limit }: Page,
): Promise<InboxPlace[]> {
  const { user_id, business_id, view } = request;
  const { state, by, own, isNewestFirst = false } = VIEWS[view];
  const column = sql.ref(by);
  const after = readCursor(request);
  const way = sql.raw(isNewestFirst ? 'desc' : 'asc');
  const isOwn = isAll || own === undefined ? sql`true` : sql`${sql.ref(own)} = ${user_id}`;
  const isAfter =
    after === undefined
      ? sql`true`
      : sql`(${column}, conversation_id) ${sql.raw(isNewestFirst ? '<' : '>')}
          (${after.place}, ${after.conversation_id})`;
  const { rows } = await sql<InboxPlace>`
    select ${column} as place, conversation_id from conversations
    where business_id = ${business_id} and state = ${sql.lit(state)} and ${column} is not null
      and ${isOwn} and ${isAfter}
    order by ${column} ${way}, conversation_id ${way}
    limit ${limit}`.execute(db);
  return rows;
}

/** The cursor leads to the page behind a place. It is good for the caller, business and view. */
export function inboxCursor(request: InboxList, { place, conversation_id }: InboxPlace): string {
  return encodeCursor(listOf(request), [place, conversation_id]);
}

function readCursor(request: InboxList): InboxPlace | undefined {
  if (request.cursor === undefined) return undefined;
  const shape = [VIEWS[request.view].isPlace, isUuidV4];
  const [place, conversation_id] = decodeCursor(listOf(request), request.cursor, shape);
  return { place, conversation_id } as InboxPlace;
}

function listOf({ user_id, business_id, view }: InboxList): string {
  return `inbox ${user_id} ${business_id} ${view}`;
}
