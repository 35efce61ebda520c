import { type Kysely, sql } from 'kysely';
import type { EraseUser, JobBegun } from '../../../shared/contracts/jobs/erasures.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Database } from '../database/schema.ts';
import { beginJob } from '../jobs/begin-job.ts';
import { assertSomebody } from './assert-not-erased.ts';
import type { ErasureSecret } from './erasure-secret.ts';

type Deps = { db: Kysely<Database>; secret: ErasureSecret };

/** Edges keep the hashes of all who were erased in memory, ~80 bytes each. */
const ERASED_MAX = 500_000;
/** `any_erased` of migration 0026 locks the users by this number. */
const LOCKS = 7_001;

/**
 * `users.erase` refuses a user from its commit on, for good, and begins the job that erases what is
 * stored of them. The locks let erasures begin one at a time, and wait for all transactions that
 * name the user.
 */
export async function eraseUser(
  { db, secret }: Deps,
  { user_id, service }: EraseUser,
): Promise<JobBegun> {
  assertSomebody([user_id]);
  if ((await secret.get()) === undefined) throw new Error('the key of the hashes is missing');
  const hash = await secret.hashOf(user_id);
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${LOCKS}, 0)`.execute(tx);
    await sql`select pg_advisory_xact_lock(${LOCKS}, hashtext(${hash.toString('hex')}))`.execute(
      tx,
    );
    const { rows: known } = await sql`select from erased_users where hash = ${hash}`.execute(tx);
    if (known.length === 0) {
      await assertRoom(tx);
      await sql`insert into erased_users (hash) values (${hash})`.execute(tx);
    }
    return beginJob(tx, { kind: 'erase_user', subject: user_id, hash, service });
  });
}

async function assertRoom(tx: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ last: number | null }>`
    select max(erasure_id) as last from erased_users`.execute(tx);
  if ((rows[0]?.last ?? 0) < ERASED_MAX) return;
  throw new KahaError('CONFLICT', `At most ${ERASED_MAX} users can be erased`);
}
