import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { Pool } from '../database/pool.ts';

type Stats = { running: number; failed: number; oldest_s: number };

const POLL_MS = 15_000;

/** Jobs that are done are not looked at. The index of the others is small. */
const SELECT_STATS = `select count(*) filter (where state = 'running') as running,
    count(*) filter (where state = 'failed') as failed,
    coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_s
  from jobs where state <> 'done'`;

/** Metrics say which jobs are not done, as of every 15 s. One that has failed needs somebody. */
export function watchJobs(deps: { pool: Pool; metrics: Metrics; logger: Logger }) {
  const { pool, metrics, logger } = deps;
  let stats: Stats = { running: 0, failed: 0, oldest_s: 0 };
  metrics.gauge('kaha_jobs_running', 'Jobs that are under way', () => stats.running);
  metrics.gauge('kaha_jobs_failed', 'Jobs that have failed', () => stats.failed);
  metrics.gauge('kaha_jobs_oldest_seconds', 'Age of the oldest of both', () => stats.oldest_s);
  const poll = async (): Promise<void> => {
    try {
      const [row] = await pool.query<Stats>(SELECT_STATS, []);
      if (row !== undefined) stats = row;
    } catch (error) {
      logger.debug({ err: error }, 'job stats not read');
    }
  };
  const timer = setInterval(() => void poll(), POLL_MS);
  void poll();
  return { close: () => clearInterval(timer) };
}
