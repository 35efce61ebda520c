import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Job } from '../jobs/job-kind.ts';
import type { ErasureStream } from './erasure-stream.ts';
import { aboutOf, type RecordedSubject } from './record-first.ts';

type Deps = { db: Kysely<Database>; stream: Pick<ErasureStream, 'append'> };
type Recorded = Pick<Job, 'job_id' | 'service'> & RecordedSubject;

const PAGE = 100;
/** Stores take turns by this number. */
const LOCK = 7_002;

/**
 * NATS has lost records, as where its disk was replaced: the stream ends at `lastSeq`, and the
 * database noted higher numbers. The next erasures are recorded once more, in their order, so that
 * each gets a number that is not above its former one. The result is false once none is
 * left, and where another store does the same.
 */
export function recordAgain({ db, stream }: Deps, lastSeq: number): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { rows: locks } = await sql<{ is_mine: boolean }>`
      select pg_try_advisory_xact_lock(${LOCK}) as is_mine`.execute(tx);
    if (locks[0]?.is_mine !== true) return false;
    const { rows } = await sql<Recorded>`
      select job_id, kind, service, subject, subject_hash from jobs
      where record_seq > ${lastSeq}::bigint order by record_seq limit ${PAGE}`.execute(tx);
    for (const { job_id, service, ...recorded } of rows) {
      const about = await aboutOf(tx, recorded);
      const seq = await stream.append({ job_id, service, ...about });
      await sql`update jobs set record_seq = ${seq}::bigint
        where job_id = ${job_id}`.execute(tx);
    }
    return rows.length > 0;
  });
}
