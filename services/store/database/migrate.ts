import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, Migrator, sql } from 'kysely';
import { classifyFailure } from './database-error.ts';
import { ensurePartitions } from './ensure-partitions.ts';
import { migrations } from './migrations/index.ts';
import type { Database } from './schema.ts';

const MONTHS_AHEAD = 3;

const STARTING_POLL_MS = 200;

/** Waits for a Postgres that is starting; rejects what it says at `deadlineAt`. */
export async function untilUp(db: Kysely<Database>, deadlineAt: number): Promise<void> {
  for (;;) {
    try {
      await sql`select 1`.execute(db);
      return;
    } catch (error) {
      if (classifyFailure(error) !== 'gone' || Date.now() > deadlineAt) throw error;
      await delay(STARTING_POLL_MS);
    }
  }
}

/**
 * Brings the schema up to this version and makes the first partitions. Kysely holds a Postgres
 * advisory lock meanwhile: of two that run at once the second finds nothing to do. One
 * transaction: all or nothing. Returns what was done, one line each.
 */
export async function migrate(db: Kysely<Database>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  const { created, last_until } = await ensurePartitions(db, MONTHS_AHEAD);
  return [
    ...results.map(({ migrationName }) => `migrated ${migrationName}`),
    ...created.map((name) => `created ${name}`),
    `messages have a place until ${last_until}`,
  ];
}
