import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';

/** Routers hold no text any longer that they read before this time. */
export const SETTLED_MS = 30_000;

/** Steps of one job may be taken by several stores, so they compare times of Postgres alone. */
export async function clockOf(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ now: string }>`select clock_timestamp() as now`.execute(db);
  return (rows[0] as { now: string }).now;
}

export async function hasPassed(db: Kysely<Database>, since: string, ms: number): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select clock_timestamp() > ${since}::timestamptz + ${ms}::int * interval '1 millisecond'
      as has`.execute(db);
  return rows[0]?.has === true;
}
