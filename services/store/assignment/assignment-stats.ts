import { type Kysely, sql } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { Database } from '../database/schema.ts';
import { isAvailable } from './availability.ts';

type Stats = { waiting: number; longest_s: number; available: number };

/** The counts stop here, so that counting adds no load when much waits. */
const COUNTED_MAX = 100_000;
const POLL_MS = 5_000;

/** Three metrics tell how businesses do, as of every 5 s. */
export function watchAssignment(deps: { db: Kysely<Database>; metrics: Metrics; logger: Logger }) {
  const { db, metrics, logger } = deps;
  let stats: Stats = { waiting: 0, longest_s: 0, available: 0 };
  const { gauge } = metrics;
  gauge('kaha_business_waiting', 'Conversations that wait for an agent', () => stats.waiting);
  gauge('kaha_business_longest_wait_seconds', 'Longest of these waits', () => stats.longest_s);
  gauge('kaha_business_agents_available', 'Agents who are available', () => stats.available);
  const poll = async (): Promise<void> => {
    try {
      stats = await readStats(db);
    } catch (error) {
      logger.debug({ err: error }, 'assignment stats not read');
    }
  };
  const timer = setInterval(() => void poll(), POLL_MS);
  void poll();
  return { close: () => clearInterval(timer) };
}

/**
 * An agent of two businesses counts twice. Anybody may write to an id that no business has, and
 * nobody can answer there, so what waits there does not count.
 */
async function readStats(db: Kysely<Database>): Promise<Stats> {
  const { rows } = await sql<Stats>`
    select waiting, longest_s, available from
      (select count(*)::int as waiting,
        coalesce(extract(epoch from clock_timestamp() - min(waiting_since)), 0)::float8
          as longest_s
      from (select waiting_since from conversations join businesses using (business_id)
        where state = 'waiting' limit ${sql.lit(COUNTED_MAX)}) c) inbox,
      (select count(*)::int as available
      from (select from business_agents a join businesses b using (business_id)
        where ${isAvailable} limit ${sql.lit(COUNTED_MAX)}) c) agents`.execute(db);
  return rows[0] as Stats;
}
