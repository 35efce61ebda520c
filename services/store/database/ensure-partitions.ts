import { type Kysely, sql, type Transaction } from 'kysely';
import { readPartitions } from '../partitions/read-partitions.ts';
import { coverage, missingSpans, type Span } from '../partitions/spans.ts';
import type { Database } from './schema.ts';

type EnsuredPartitions = {
  /** These are the names of the partitions that this call made. */
  created: string[];
  /** Messages sent before this time have a partition, without a gap. */
  last_until: string;
  /** So many partitions follow the one of now, without a gap. */
  ahead: number;
};

/** A request for more weeks ahead is cut to this many. */
const WEEKS_AHEAD_MAX = 104;

/** The advisory lock with this key lets one transaction at a time make partitions. */
const LOCK_KEY = 7_205_001;

/**
 * `partitions.ensure` makes the missing partitions of this week and of the next `weeksAhead`, by
 * the clock of Postgres, which gives messages their times. A partition that is there stays as it
 * is: earlier versions made one a month, and the first week after such a month may be shorter. A
 * partition is made as a table of its own and then attached, because `create … partition of` would
 * stop appends.
 */
export async function ensurePartitions(
  db: Kysely<Database>,
  weeksAhead: number,
): Promise<EnsuredPartitions> {
  const ahead = Math.min(Math.max(weeksAhead, 0), WEEKS_AHEAD_MAX);
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${LOCK_KEY})`.execute(tx);
    const { rows } = await sql<{ now: string }>`select clock_timestamp() as now`.execute(tx);
    const nowMs = Date.parse((rows[0] as { now: string }).now);
    const existing = await readPartitions(tx);
    const missing = missingSpans(existing, { nowMs, weeksAhead: ahead });
    const created: string[] = [];
    for (const span of missing) created.push(await createPartition(tx, span));
    const covered = coverage([...existing, ...missing], nowMs);
    const last_until = new Date(covered.untilMs).toISOString();
    return { created, last_until, ahead: covered.ahead };
  });
}

/** The name says on which day the partition begins. */
async function createPartition(tx: Transaction<Database>, span: Span): Promise<string> {
  const [from, until] = [span.fromMs, span.untilMs].map((ms) => new Date(ms).toISOString());
  const name = await freeName(tx, `messages_${from?.slice(0, 10).replaceAll('-', '_')}`);
  await sql.raw(`create table ${name} (like messages including all)`).execute(tx);
  const range = `for values from ('${from}') to ('${until}')`;
  await sql.raw(`alter table messages attach partition ${name} ${range}`).execute(tx);
  return name;
}

/** A table that was detached and not dropped yet may have the name still. */
async function freeName(tx: Transaction<Database>, wanted: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}_${count}`;
    const { rows } = await sql<{ isTaken: boolean }>`
      select to_regclass(${name}) is not null as "isTaken"`.execute(tx);
    if (rows[0]?.isTaken === false) return name;
  }
}
