import type { Logger } from '../../../shared/process/logger.ts';
import { classifyFailure } from './database-error.ts';
import { LATEST_MIGRATION } from './migrations/index.ts';
import type { Pool } from './pool.ts';

type SchemaCheck = {
  /** The result says why sends cannot be served, or is undefined if they can. */
  problem(): string | undefined;
  close(): void;
};

const POLL_MS = 2_000;
/** During a problem the check runs more often, so that the store is ready soon after its end. */
const PROBLEM_POLL_MS = 500;
const SELECT_MIGRATION = `select current_setting('transaction_read_only') = 'on' as is_read_only
  from kysely_migration where name = $1`;

/**
 * The check asks repeatedly whether Postgres answers, takes writes, and has the schema of this
 * version.
 */
export async function watchSchema(pool: Pool, logger: Logger): Promise<SchemaCheck> {
  let problem: string | undefined = 'starting';
  const check = async (): Promise<void> => {
    const found = await findProblem(pool);
    if (found !== problem) logger.info({ problem: found }, 'database state changed');
    problem = found;
  };
  await check();
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(() => void check().then(schedule), problem ? PROBLEM_POLL_MS : POLL_MS);
  };
  schedule();
  return { problem: () => problem, close: () => clearTimeout(timer) };
}

async function findProblem(pool: Pool): Promise<string | undefined> {
  try {
    const [row] = await pool.query<{ is_read_only: boolean }>(SELECT_MIGRATION, [LATEST_MIGRATION]);
    if (row === undefined) return 'schema not migrated';
    return row.is_read_only ? 'postgres takes no writes' : undefined;
  } catch (error) {
    const failure = classifyFailure(error);
    return failure === 'schema' ? 'schema not migrated' : 'postgres does not answer';
  }
}
