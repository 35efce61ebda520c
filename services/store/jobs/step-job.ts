import { type Kysely, sql } from 'kysely';
import type { JobStep, JobStepAsked } from '../../../shared/contracts/jobs/jobs.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Database } from '../database/schema.ts';
import type { Job, JobKinds, JobOutcome } from './job-kind.ts';

type Deps = { db: Kysely<Database>; kinds: JobKinds };

/** Small steps are taken one after the other for this long, which saves as many requests. */
const TOGETHER_MS = 250;

/**
 * `jobs.step` takes the next steps of a job, and notes the place after each. The lease is renewed
 * before the first one. A job whose lease another router has is lost: nothing is noted then, and
 * the steps that were taken are taken again.
 */
export async function stepJob({ db, kinds }: Deps, asked: JobStepAsked): Promise<JobStep> {
  const startedAt = steadyMs();
  let job = await renew(db, asked);
  let isCarriedOut = asked.carried_out !== undefined && asked.carried_out === job?.step;
  while (job !== undefined) {
    const outcome = await kinds[job.kind](job, isCarriedOut);
    const noted = await note(db, asked, outcome);
    if (noted === undefined) break;
    if (outcome.isDone) return { state: 'done' };
    const { tasks = [], wait_ms } = outcome;
    const isEnough = tasks.length > 0 || wait_ms !== undefined;
    if (isEnough || steadyMs() - startedAt > TOGETHER_MS) {
      const { step } = noted;
      return { state: 'running', step, tasks, ...(wait_ms !== undefined && { wait_ms }) };
    }
    job = noted;
    isCarriedOut = false;
  }
  return { state: 'lost' };
}

const COLUMNS = sql`job_id, kind, subject, service, step, record_seq is not null as is_recorded,
  place, done, total, created_at`;

async function renew(
  db: Kysely<Database>,
  { job_id, lease_id, lease_ms }: JobStepAsked,
): Promise<Job | undefined> {
  const { rows } = await sql<Job>`
    update jobs set due_at = now() + ${lease_ms}::int * interval '1 millisecond'
    where job_id = ${job_id}::uuid and lease_id = ${lease_id}::uuid and state = 'running'
    returning ${COLUMNS}`.execute(db);
  return rows[0];
}

/** A job that is done forgets whom it was about, unless no person was. */
async function note(
  db: Kysely<Database>,
  { job_id, lease_id }: JobStepAsked,
  { place, done, total, isDone: ends }: JobOutcome,
): Promise<Job | undefined> {
  const isDone = ends === true;
  const { rows } = await sql<Job>`
    update jobs set step = step + 1, done = ${done}::bigint, total = ${total}::bigint, tries = 0,
      place = case when ${isDone} then '{}' else ${JSON.stringify(place)}::jsonb end,
      state = case when ${isDone} then 'done' else state end,
      finished_at = case when ${isDone} then now() end,
      lease_id = case when ${isDone} then null else lease_id end,
      subject = case when ${isDone} and subject_hash is not null then null else subject end
    where job_id = ${job_id}::uuid and lease_id = ${lease_id}::uuid and state = 'running'
    returning ${COLUMNS}`.execute(db);
  return rows[0];
}
