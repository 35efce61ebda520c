import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from './schema.ts';

type EnsuredPartitions = {
  /** These are the names of the partitions that this call made. */
  created: string[];
  /** Messages sent before this time have a partition, without a gap. */
  last_until: string;
};

/** A request for more months ahead is cut to this many. */
const MONTHS_AHEAD_MAX = 24;

/** The advisory lock with this key lets one transaction at a time make partitions. */
const LOCK_KEY = 7_205_001;

/**
 * `partitions.ensure` makes the missing partitions of this month and of the next `monthsAhead`, by
 * the clock of Postgres, which gives messages their times. A partition is made as a table of its
 * own and then attached, because `create … partition of` would stop appends.
 */
export async function ensurePartitions(
  db: Kysely<Database>,
  monthsAhead: number,
): Promise<EnsuredPartitions> {
  const ahead = Math.min(Math.max(monthsAhead, 0), MONTHS_AHEAD_MAX);
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${LOCK_KEY})`.execute(tx);
    const { rows } = await sql<{ now: string }>`select clock_timestamp() as now`.execute(tx);
    const months = monthsFrom(new Date((rows[0] as { now: string }).now), ahead);
    const existing = await selectPartitions(tx);
    const missing = months.filter(({ name }) => !existing.has(name));
    for (const month of missing) await createPartition(tx, month);
    const created = missing.map(({ name }) => name);
    return { created, last_until: (months.at(-1) as Month).until };
  });
}

type Month = { name: string; from: string; until: string };

/** The list begins with the month of `now`, in UTC, and has `ahead` more months. */
export function monthsFrom(now: Date, ahead: number): Month[] {
  return Array.from({ length: ahead + 1 }, (_, index) => {
    const at = (offset: number): string =>
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset)).toISOString();
    const from = at(index);
    return { name: `messages_${from.slice(0, 7).replace('-', '_')}`, from, until: at(index + 1) };
  });
}

async function selectPartitions(tx: Transaction<Database>): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'messages'::regclass`.execute(tx);
  return new Set(rows.map(({ name }) => name));
}

async function createPartition(tx: Transaction<Database>, month: Month): Promise<void> {
  const { name, from, until } = month; // `monthsFrom` builds these strings; none is input.
  await sql.raw(`create table ${name} (like messages including all)`).execute(tx);
  const range = `for values from ('${from}') to ('${until}')`;
  await sql.raw(`alter table messages attach partition ${name} ${range}`).execute(tx);
}
