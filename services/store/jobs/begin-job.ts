import { type Kysely, sql } from 'kysely';
import type { JobBegun } from '../../../shared/contracts/jobs/erasures.ts';
import { type JobId, newId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { JobKindName } from './job-kind.ts';

type Beginning = {
  kind: JobKindName;
  subject: string;
  /** Only a person's id is known by a hash once the job is done. */
  hash?: Buffer;
  service: string;
  /** A job that is under way begins anew. Whoever has leased it has lost it. */
  beginsAnew?: true;
};

/**
 * Begins a job in the transaction of the caller. If one of the kind is under way for the subject,
 * that one is meant. One that has failed goes on where it was.
 */
export async function beginJob(
  tx: Kysely<Database>,
  { kind, subject, hash, service, beginsAnew }: Beginning,
): Promise<JobBegun> {
  const isAnew = beginsAnew === true;
  const { rows } = await sql<JobBegun>`
    insert into jobs (job_id, kind, subject, subject_hash, service)
    values (${newId<JobId>()}, ${kind}, ${subject}::uuid, ${hash ?? null}::bytea, ${service})
    on conflict (kind, subject) where state <> 'done' do update set state = 'running',
      tries = case when jobs.state = 'failed' then 0 else jobs.tries end,
      due_at = case when ${isAnew} or jobs.state = 'failed' then now() else jobs.due_at end,
      lease_id = case when ${isAnew} then null else jobs.lease_id end,
      place = case when ${isAnew} then '{}' else jobs.place end,
      step = case when ${isAnew} then jobs.step + 1 else jobs.step end,
      record_seq = case when ${isAnew} then null else jobs.record_seq end
    returning job_id`.execute(tx);
  return rows[0] as JobBegun;
}
