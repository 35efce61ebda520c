import { type Kysely, sql } from 'kysely';
import type { ErasedList, ErasedPage } from '../../../shared/contracts/jobs/erasures.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ErasureSecret } from './erasure-secret.ts';

type Deps = { db: Kysely<Database>; secret: ErasureSecret };

/** A page of so many hashes has 250 KB. */
const PAGE_MAX = 10_000;

/**
 * `users.erased` lists hashes of who was erased. Erasures begin one at a time, so their numbers are
 * committed in order, and no later page lacks one.
 */
export async function listErased({ db, secret }: Deps, { after }: ErasedList): Promise<ErasedPage> {
  const key = await secret.get();
  if (key === undefined) return { secret: '', hashes: [], last: after, has_more: false };
  const { rows } = await sql<{ erasure_id: number; hash: Buffer }>`
    select erasure_id, hash from erased_users where erasure_id > ${after}::bigint
    order by erasure_id limit ${PAGE_MAX}`.execute(db);
  return {
    secret: key.toString('base64'),
    hashes: rows.map(({ hash }) => hash.toString('base64')),
    last: rows.at(-1)?.erasure_id ?? after,
    has_more: rows.length === PAGE_MAX,
  };
}

/** `users.is_erased` is asked where a device gets a new queue. */
export async function isErased(
  { db, secret }: Deps,
  userId: UserId,
): Promise<{ is_erased: boolean }> {
  const hash = await secret.hashOf(userId);
  const { rows } = await sql`select from erased_users where hash = ${hash}`.execute(db);
  return { is_erased: rows.length > 0 };
}
