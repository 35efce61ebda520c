import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import { createPool, type Pool } from './pool.ts';
import type { Database } from './schema.ts';

type OpenDatabase = {
  db: Kysely<Database>;
  pool: Pool;
  close(): Promise<void>;
};

/** A statement that waits for a lock for longer fails with `locked`. */
const LOCK_TIMEOUT_MS = 1_000;

/** This pool, with Kysely on it, serves queries and all writes but appends and raised positions. */
export function openDatabase(options: {
  url: string;
  poolMax: number;
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
  applicationName?: string;
  logger: Logger;
}): OpenDatabase {
  const { poolMax, lockTimeoutMs = LOCK_TIMEOUT_MS, ...rest } = options;
  const pool = createPool({ ...rest, max: poolMax, settings: [`lock_timeout=${lockTimeoutMs}`] });
  const dialect = new PostgresDialect({ pool: pool as unknown as PostgresPool });
  const db = new Kysely<Database>({ dialect });
  return { db, pool, close: () => db.destroy() };
}
