import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { ContactsShared, SharedContacts } from '../../../shared/contracts/contacts.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4, type UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** A socket watches the presence of at most this many users. */
const IDS_MAX = 1_000;

/**
 * `contacts.shared` returns those of `user_ids` who share a conversation with the user now. The
 * user's role tells whether a conversation is one of a business.
 */
export async function listSharedContacts(
  db: Kysely<Database>,
  { user_id: userId, user_ids: ids }: ContactsShared,
): Promise<SharedContacts> {
  if (!isUuidV4(userId) || ids.length > IDS_MAX || !ids.every(isUuidV4)) {
    throw new KahaError('INVALID_REQUEST', 'Not ids');
  }
  const { rows } = await sql<{ user_id: UserId; is_passing: boolean }>`
    select theirs.user_id, bool_and(mine.role in ('customer', 'agent')) as is_passing
    from participants mine
    join participants theirs on theirs.conversation_id = mine.conversation_id
    where mine.user_id = ${userId} and mine.left_at is null
      and theirs.user_id = any(${ids}::uuid[]) and theirs.left_at is null
    group by theirs.user_id`.execute(db);
  return {
    user_ids: rows.map(({ user_id }) => user_id),
    passing_ids: rows.filter(({ is_passing }) => is_passing).map(({ user_id }) => user_id),
  };
}
