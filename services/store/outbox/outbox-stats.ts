import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { Pool } from '../database/pool.ts';

type Stats = { depth: number; oldest_s: number };

/** The count stops here: counting must not add load to an outage that fills the outbox. */
const DEPTH_COUNTED_MAX = 100_000;
const POLL_MS = 5_000;

const SELECT_STATS = `select count(*) as depth,
    coalesce(extract(epoch from clock_timestamp() - oldest_owed()), 0)::float8 as oldest_s
  from (select from outbox limit ${DEPTH_COUNTED_MAX}) counted`;

/** Two metrics say how many fan-outs are owed and how old the oldest is, as of every 5 s. */
export function watchOutbox(deps: { pool: Pool; metrics: Metrics; logger: Logger }) {
  const { pool, metrics, logger } = deps;
  let stats: Stats = { depth: 0, oldest_s: 0 };
  metrics.gauge('kaha_outbox_depth', 'Fan-outs that are owed', () => stats.depth);
  metrics.gauge('kaha_outbox_oldest_seconds', 'Age of the oldest of them', () => stats.oldest_s);
  const poll = async (): Promise<void> => {
    try {
      const [row] = await pool.query<Stats>(SELECT_STATS, []);
      if (row !== undefined) stats = row;
    } catch (error) {
      logger.debug({ err: error }, 'outbox stats not read');
    }
  };
  const timer = setInterval(() => void poll(), POLL_MS);
  void poll();
  return { close: () => clearInterval(timer) };
}
