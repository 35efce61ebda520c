import { type Kysely, sql } from 'kysely';
import type { ConversationId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { Job, JobKind } from '../jobs/job-kind.ts';
import type { ErasureRecord, RecordErasure } from './erasure-record.ts';

type RecordDeps = {
  db: Kysely<Database>;
  recordErasure: RecordErasure;
};

/**
 * An erasure is recorded before anything is erased. So no backup can be older than the erasure and
 * newer than its record. A job whose row was committed, and whose record was not noted there, is
 * recorded once more, which does no harm.
 */
export function recordFirst(deps: RecordDeps, kind: JobKind): JobKind {
  return async (job, isCarriedOut) => {
    if (!job.is_recorded) await record(deps, job);
    return kind(job, isCarriedOut);
  };
}

/** A job that began anew meanwhile has another step, and will be recorded once more. */
async function record({ db, recordErasure }: RecordDeps, job: Job): Promise<void> {
  const { job_id, service } = job;
  const { rows } = await sql<RecordedSubject>`
    select kind, subject, subject_hash from jobs where job_id = ${job_id}`.execute(db);
  const about = await aboutOf(db, rows[0] as RecordedSubject);
  const seq = await recordErasure({ job_id, service, ...about });
  await sql`update jobs set record_seq = ${seq}::bigint
    where job_id = ${job_id} and step = ${job.step}`.execute(db);
}

type About = ErasureRecord extends infer One
  ? One extends ErasureRecord
    ? Omit<One, 'job_id' | 'service'>
    : never
  : never;
/** Only the job of a conversation keeps its subject, and only that of a person has a hash. */
export type RecordedSubject =
  | { kind: 'erase_content'; subject: ConversationId }
  | { kind: 'erase_user'; subject_hash: Buffer };

export async function aboutOf(db: Kysely<Database>, about: RecordedSubject): Promise<About> {
  const { kind } = about;
  if (kind === 'erase_content') return { kind, conversation_id: about.subject };
  // The secret is made before its first hash, so it is there.
  const hash = about.subject_hash.toString('base64');
  const { rows } = await sql<{ key_id: string; wrapped: Buffer }>`
    select key_id, wrapped from erasure_secret`.execute(db);
  const { key_id, wrapped } = rows[0] as { key_id: string; wrapped: Buffer };
  return { kind, hash, secret: { key_id, wrapped: wrapped.toString('base64') } };
}
