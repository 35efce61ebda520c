import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import { createPool, type Pool, type Pooling } from './pool.ts';
import { splitPool } from './pool-sizes.ts';
import type { Database } from './schema.ts';
import { DatabaseServers } from './servers.ts';

type OpenDatabase = {
  db: Kysely<Database>;
  pool: Pool;
  close(): Promise<void>;
};

/** A store has a pool for each kind of work, so that none waits long for another. */
export type StoreDatabase = OpenDatabase & {
  /** One connection appends, and the others wait for locks. */
  appends: Pool;
  /** Sends to businesses, which wait for locks too, take no connection from reads. */
  businessSends: { db: Kysely<Database>; connectionsMax: number };
  positions: Pool;
};

/** A statement that waits for a lock for longer fails with `locked`. */
const LOCK_TIMEOUT_MS = 1_000;
const lockTimeout = (ms: number): string => `lock_timeout=${ms}`;
/**
 * Every statement that writes messages or positions finds its rows by primary key. Plans are made
 * once per connection, perhaps while tables are empty: these settings keep them right when the
 * tables have grown.
 */
const LEAN_PLANS = ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off', lockTimeout(500)];
/** An append's only join is of a batch with its locked conversations, by primary key. */
const APPEND_PLANS = [...LEAN_PLANS, 'enable_hashjoin=off', 'enable_mergejoin=off'];

/** This is one pool, with Kysely on it. A migration needs no more. */
export function openDatabase(options: {
  url: string;
  poolMax: number;
  pooling?: Pooling;
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
  applicationName?: string;
  logger: Logger;
}): OpenDatabase {
  const { poolMax, lockTimeoutMs = LOCK_TIMEOUT_MS, ...rest } = options;
  const pool = createPool({ ...rest, max: poolMax, settings: [lockTimeout(lockTimeoutMs)] });
  const db = kyselyOn(pool);
  return { db, pool, close: () => db.destroy() };
}

/**
 * The pools of a store have `poolMax` connections together, and lead to the same server. Each of
 * their sessions shows no messages that are older than `retentionDays`; 0 shows all of them.
 */
export function openStoreDatabase(options: {
  url: string;
  poolMax: number;
  pooling?: Pooling;
  retentionDays: number;
  logger: Logger;
}): StoreDatabase {
  const { poolMax, retentionDays, ...rest } = options;
  const sizes = splitPool(poolMax);
  const common = { ...rest, servers: new DatabaseServers(options.url) };
  const retention = `kaha.retention_days=${retentionDays}`;
  const withLocks = { ...common, settings: [retention, lockTimeout(LOCK_TIMEOUT_MS)] };
  const pool = createPool({ ...withLocks, max: sizes.queries });
  const forBusinesses = createPool({ ...withLocks, max: sizes.businessSends });
  const appending = [retention, ...APPEND_PLANS];
  const appends = createPool({ ...common, max: sizes.appends, settings: appending });
  const raising = [retention, ...LEAN_PLANS];
  const positions = createPool({ ...common, max: sizes.positions, settings: raising });
  const businessSends = { db: kyselyOn(forBusinesses), connectionsMax: sizes.businessSends };
  const db = kyselyOn(pool);
  const close = async (): Promise<void> => {
    await Promise.all([pool, forBusinesses, appends, positions].map((one) => one.end()));
  };
  return { db, pool, appends, businessSends, positions, close };
}

function kyselyOn(pool: Pool): Kysely<Database> {
  return new Kysely({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) });
}
