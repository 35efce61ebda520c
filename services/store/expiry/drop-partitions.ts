import { type Kysely, sql } from 'kysely';
import type { Dropped } from '../../../shared/contracts/store-ops.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { classifyFailure } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import { readPartitions } from '../partitions/read-partitions.ts';
import type { ExpiryPolicy } from './expiry-policy.ts';

type Deps = { db: Kysely<Database>; policy: ExpiryPolicy; logger: Logger };

/** No statement waits for a drop for longer than this, and no drop for a statement. */
const LOCK_TIMEOUT = '300ms';
/** The advisory lock with this key lets one store at a time drop partitions. */
const LOCK_KEY = 7_205_002;

/**
 * `retention.drop` drops up to `limit` partitions that are cleared. A drop that has to wait gives
 * up, and whoever asks again goes on with what is half done: a partition that is detaching, or a
 * table that is detached. `left` says how many partitions are left.
 */
export async function dropPartitions(
  { db, policy, logger }: Deps,
  { limit }: { limit: number },
): Promise<Dropped> {
  const names = await findCleared(db, policy);
  const dropped: string[] = [];
  for (const name of names.slice(0, limit)) {
    try {
      const drop = policy.pooling === 'session' ? dropBesideTraffic : dropAtOnce;
      if (!(await drop(db, name))) break;
      dropped.push(name);
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure !== 'locked' && failure !== 'frozen' && failure !== 'clash') throw error;
      logger.info({ err: error, partition: name }, 'a partition is in use and not dropped yet');
      break;
    }
  }
  return { dropped, left: names.length - dropped.length };
}

/**
 * A partition that was cleared by a clock that was ahead, or before messages were kept for longer,
 * may get messages again. So it stays until its messages may go by the clock and the policy of now.
 * One whose detaching has begun gets none any more.
 */
async function findCleared(
  db: Kysely<Database>,
  { days, graceDays }: ExpiryPolicy,
): Promise<string[]> {
  const hours = 24 * (days + graceDays);
  const { rows } = await sql<{ name: string; isOver: boolean }>`
    select name, ${days}::int > 0
      and until_at <= clock_timestamp() - make_interval(hours => ${hours}::int) as "isOver"
    from expired_partitions where cleared_until >= until_at order by until_at`.execute(db);
  const attached = (await readPartitions(db)).filter(({ isDetaching }) => !isDetaching);
  const stays = new Set(attached.map(({ name }) => name));
  return rows.flatMap(({ name, isOver }) => (isOver || !stays.has(name) ? name : []));
}

/**
 * Detaching concurrently takes no lock that reads or sends need. It waits until everybody is done
 * who may see the partition, and cannot be part of a transaction.
 */
async function dropBesideTraffic(db: Kysely<Database>, name: string): Promise<boolean> {
  return db.connection().execute(async (connection) => {
    const { rows } = await sql<{ isMine: boolean }>`
      select pg_try_advisory_lock(${LOCK_KEY}) as "isMine"`.execute(connection);
    if (rows[0]?.isMine !== true) return false;
    try {
      await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, false)`.execute(connection);
      const partitions = await readPartitions(connection);
      const pending = partitions.find(({ isDetaching }) => isDetaching);
      if (pending !== undefined) await detach(connection, pending.name, 'finalize');
      const isAttached = partitions.some((one) => one.name === name && !one.isDetaching);
      if (isAttached) await detach(connection, name, 'concurrently');
      await dropTable(connection, name);
      return true;
    } finally {
      await sql`select pg_advisory_unlock(${LOCK_KEY})`
        .execute(connection)
        .then(() => sql`reset lock_timeout`.execute(connection))
        .catch((failure: unknown) => failure);
    }
  });
}

/** A pooler keeps no connection between transactions, so all of it is one, and short. */
async function dropAtOnce(db: Kysely<Database>, name: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = '300ms'`.execute(tx);
    const partition = (await readPartitions(tx)).find((one) => one.name === name);
    if (partition !== undefined) await detach(tx, name, partition.isDetaching ? 'finalize' : '');
    await dropTable(tx, name);
    return true;
  });
}

async function detach(db: Kysely<Database>, name: string, how: string): Promise<void> {
  await sql`alter table messages detach partition ${sql.table(name)} ${sql.raw(how)}`.execute(db);
}

async function dropTable(db: Kysely<Database>, name: string): Promise<void> {
  await sql`drop table if exists ${sql.table(name)}`.execute(db);
  await sql`delete from expired_partitions where name = ${name}`.execute(db);
}
