import { type Kysely, sql } from 'kysely';
import { erasedHash } from '../../../shared/erased-hash.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** A person is known by this hash, which was made with the secret. */
type Wanted = { secret: Buffer; hash: string };

/** The hashes of so many ids take some 30 ms. */
const PAGE = 10_000;

/**
 * Finds people in the database by the keyed hashes of their ids, which are base64. It makes the
 * hashes of all ids that the database has, some 300 000 a second.
 */
export async function findPeople(
  db: Kysely<Database>,
  wanted: readonly Wanted[],
): Promise<Map<string, UserId>> {
  const hashes = new Set(wanted.map(({ hash }) => hash));
  const secrets = new Map(wanted.map(({ secret }) => [secret.toString('base64'), secret]));
  const found = new Map<string, UserId>();
  for (let after = '00000000-0000-0000-0000-000000000000'; hashes.size > 0; ) {
    const ids = await selectIds(db, after);
    const last = ids.at(-1);
    if (last === undefined) break;
    for (const id of ids) {
      for (const secret of secrets.values()) {
        const hash = erasedHash(secret, id).toString('base64');
        if (hashes.has(hash)) found.set(hash, id);
      }
    }
    after = last;
  }
  return found;
}

async function selectIds(db: Kysely<Database>, after: string): Promise<UserId[]> {
  const pageOf = (table: string) => sql`(select distinct user_id from ${sql.table(table)}
    where user_id > ${after}::uuid order by user_id limit ${sql.lit(PAGE)})`;
  const pages = ['users', 'participants', 'business_agents', 'devices'].map(pageOf);
  const { rows } = await sql<{ user_id: UserId }>`
    select user_id from (${sql.join(pages, sql` union `)}) as page
    order by user_id limit ${sql.lit(PAGE)}`.execute(db);
  return rows.map(({ user_id }) => user_id);
}
