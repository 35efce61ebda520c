import { type Kysely, sql } from 'kysely';
import type { JobLease, JobProblem, JobStatus } from '../../../shared/contracts/jobs/jobs.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4, type JobId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

const CLAIMED_MAX = 100;
/** A job that went wrong so often has failed, until somebody asks for it again. */
const TRIES_MAX = 10;

/** `jobs.get` tells how far a job is. */
export async function getJob(db: Kysely<Database>, jobId: JobId): Promise<JobStatus> {
  if (!isUuidV4(jobId)) throw new KahaError('INVALID_REQUEST', 'Not a job id');
  const { rows } = await sql<JobStatus>`
    select state, done, total from jobs where job_id = ${jobId}::uuid`.execute(db);
  const [job] = rows;
  if (job === undefined) throw new KahaError('NOT_FOUND', 'No such job');
  return job;
}

/** `jobs.claim` leases the jobs that have been due for longest. */
export async function claimJobs(
  db: Kysely<Database>,
  { limit, lease_ms }: { limit: number; lease_ms: number },
): Promise<{ jobs: JobLease[] }> {
  const { rows } = await sql<JobLease>`
    with due as materialized (
      select job_id from jobs where state = 'running' and due_at <= now()
      order by due_at limit ${Math.min(limit, CLAIMED_MAX)} for update skip locked
    )
    update jobs j set lease_id = gen_random_uuid(),
        due_at = now() + ${lease_ms}::int * interval '1 millisecond'
      from due where j.job_id = due.job_id
      returning j.job_id, j.lease_id`.execute(db);
  return { jobs: rows };
}

/**
 * `jobs.problem` ends the lease of a job that went wrong. The next try comes after 1, 2, 4 … s. The
 * record has the code of the error, and never its text.
 */
export async function noteProblem(
  db: Kysely<Database>,
  { job_id, lease_id, code }: JobProblem,
): Promise<undefined> {
  await sql`
    update jobs set tries = tries + 1, problem = ${code}, lease_id = null,
      due_at = now() + least(2 ^ tries, 300) * interval '1 second',
      state = case when tries + 1 >= ${TRIES_MAX}::int then 'failed' else state end
    where job_id = ${job_id}::uuid and lease_id = ${lease_id}::uuid
      and state = 'running'`.execute(db);
  return undefined;
}
