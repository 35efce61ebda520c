import { type Kysely, sql } from 'kysely';
import type { ContactsList, ContactsPage } from '../../../shared/contracts/contacts.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, isUuidV4 } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { decodeCursor, encodeCursor } from '../records/opaque-cursor.ts';

/** A page covers this many conversations; each has at most eight participants. */
const PAGE_CONVERSATIONS = 500;
const FIRST = '00000000-0000-0000-0000-000000000000';

/**
 * `contacts.list` returns the participants of all conversations of a user, or of a business. It
 * pages by conversations, so the cost of a page does not grow with the number of contacts.
 */
export async function listContacts(
  db: Kysely<Database>,
  request: ContactsList,
): Promise<ContactsPage> {
  const { cursor } = request;
  const list = `contacts ${'user_id' in request ? request.user_id : request.business_id}`;
  const after = cursor === undefined ? FIRST : decodeCursor(list, cursor, [isUuidV4])[0];
  const ids = await listPlaces(db, request, after as ConversationId);
  const last = ids.at(-1);
  if (last === undefined) return { user_ids: [], next_cursor: null };
  const rows = await db
    .selectFrom('participants')
    .select('user_id')
    .distinct()
    .where('conversation_id', 'in', ids)
    .where('left_at', 'is', null)
    .execute();
  const isFull = ids.length === PAGE_CONVERSATIONS;
  const user_ids = rows.map(({ user_id }) => user_id);
  return { user_ids, next_cursor: isFull ? encodeCursor(list, [last]) : null };
}

/** The query returns the conversations that follow `after`, in the order of their ids. */
async function listPlaces(
  db: Kysely<Database>,
  request: ContactsList,
  after: ConversationId,
): Promise<ConversationId[]> {
  const page = sql`and conversation_id > ${after}
    order by conversation_id limit ${PAGE_CONVERSATIONS}`;
  const { rows } = await sql<{ id: ConversationId }>`
    select conversation_id as id from ${placesOf(request)} ${page}`.execute(db);
  return rows.map(({ id }) => id);
}

function placesOf(request: ContactsList) {
  if ('user_id' in request && isUuidV4(request.user_id)) {
    return sql`participants where user_id = ${request.user_id} and left_at is null`;
  }
  if ('business_id' in request && isUuidV4(request.business_id)) {
    return sql`conversations where business_id = ${request.business_id}`;
  }
  throw new KahaError('INVALID_REQUEST', 'Not an id');
}
