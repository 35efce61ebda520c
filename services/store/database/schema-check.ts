import type { Logger } from '../../../shared/process/logger.ts';
import { classifyFailure } from './database-error.ts';
import { LATEST_MIGRATION } from './migrations/index.ts';
import type { Pool } from './pool.ts';

type SchemaCheck = {
  /** The result says why sends and reads cannot be served, or is undefined if they can. */
  problem(): string | undefined;
  close(): void;
};

const POLL_MS = 2_000;
/** During a problem the check runs more often, so that the store is ready soon after its end. */
const PROBLEM_POLL_MS = 500;
const SELECT_MIGRATION = 'select name from kysely_migration where name = $1';

/** The check asks repeatedly whether Postgres answers and has the schema of this version. */
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
    const rows = await pool.query(SELECT_MIGRATION, [LATEST_MIGRATION]);
    return rows.length === 1 ? undefined : 'schema not migrated';
  } catch (error) {
    const failure = classifyFailure(error);
    return failure === 'schema' ? 'schema not migrated' : 'postgres does not answer';
  }
}
