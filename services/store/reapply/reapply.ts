import { type Kysely, sql } from 'kysely';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ContentKey } from '../content/content-keys.ts';
import type { Database } from '../database/schema.ts';
import type { Operations } from '../operations.ts';
import { bringBack } from './bring-back.ts';
import type { ErasureStream } from './erasure-stream.ts';
import { findMissing, type MissingErasure } from './find-missing.ts';
import { runJobs } from './run-jobs.ts';

type Deps = {
  db: Kysely<Database>;
  stream: ErasureStream;
  contentKeys: readonly ContentKey[];
  operations: Operations;
  logger: Logger;
  /** Hears of the progress, a line each. */
  tell: (line: string) => void;
};

/**
 * Repeats the erasures of which the database knows nothing, because it was restored from a backup
 * from before. Stores serve nothing until all are done. It may be killed and repeated.
 */
export async function reapply(deps: Deps): Promise<{ repeated: number; failed: number }> {
  const { db, tell } = deps;
  const missing = await findMissing(deps);
  tell(`${missing.length} erasures are missing in the database`);
  if (missing.length === 0) return { repeated: 0, failed: 0 };
  await bringBack(deps, missing);
  const failed = await runJobs(deps);
  if (failed > 0) return { repeated: missing.length - failed, failed };
  await noteAll(db, missing);
  return { repeated: missing.length, failed };
}

/** All are noted in one statement: the highest number alone says that none below is missing. */
async function noteAll(db: Kysely<Database>, missing: readonly MissingErasure[]): Promise<void> {
  const ids = missing.map(({ record }) => record.job_id);
  const seqs = missing.map(({ seq }) => seq);
  await sql`
    update jobs j set record_seq = noted.seq
    from (select job_id, max(seq) as seq
      from unnest(${ids}::uuid[], ${seqs}::bigint[]) as n (job_id, seq) group by job_id) noted
    where j.job_id = noted.job_id`.execute(db);
}
