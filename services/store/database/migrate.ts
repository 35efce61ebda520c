import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, Migrator, sql } from 'kysely';
import { steadyMs } from '../../../shared/process/clock.ts';
import { classifyFailure } from './database-error.ts';
import { ensurePartitions } from './ensure-partitions.ts';
import { migrations } from './migrations/index.ts';
import { STORE_NAME } from './pool.ts';
import type { Database } from './schema.ts';

const WEEKS_AHEAD = 6;

const STARTING_POLL_MS = 200;
/** A connection that was told to end ends within this time, unless its statement cannot stop. */
const ENDING_MAX_MS = 1_000;

/**
 * The promise resolves once a Postgres that is starting answers. After `deadlineAt` it rejects with
 * the last error.
 */
export async function untilUp(db: Kysely<Database>, deadlineAt: number): Promise<void> {
  for (;;) {
    try {
      await sql`select 1`.execute(db);
      return;
    } catch (error) {
      if (classifyFailure(error) !== 'gone' || steadyMs() > deadlineAt) throw error;
      await delay(STARTING_POLL_MS);
    }
  }
}

/**
 * The migration brings the schema up to this version and makes the first partitions. Kysely holds
 * an advisory lock of Postgres meanwhile, so the second of two concurrent migrations finds nothing
 * to do. All schema changes are one transaction: either all are made or none. The result has one
 * line for each step that was done.
 *
 * Stores that run meanwhile have prepared statements for the old schema. So a migration that has
 * changed something ends their connections, and they prepare their statements anew.
 */
export async function migrate(db: Kysely<Database>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  if (results.length > 0) await endStoreConnections(db);
  const { created, last_until } = await ensurePartitions(db, WEEKS_AHEAD);
  return [
    ...results.map(({ migrationName }) => `migrated ${migrationName}`),
    ...created.map((name) => `created ${name}`),
    `messages have a place until ${last_until}`,
  ];
}

/** The statement waits for each connection to end. */
async function endStoreConnections(db: Kysely<Database>): Promise<void> {
  await sql`select pg_terminate_backend(pid, ${ENDING_MAX_MS}) from pg_stat_activity
    where datname = current_database() and application_name = ${STORE_NAME}
      and pid <> pg_backend_pid()`.execute(db);
}
