import { type Kysely, sql, type Transaction } from 'kysely';
import { erasedHash } from '../../../shared/erased-hash.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ContentKey } from '../content/content-keys.ts';
import type { Database } from '../database/schema.ts';
import { ErasureSecret, openSecret } from '../erasures/erasure-secret.ts';
import type { ErasureRecord } from './erasure-record.ts';
import type { MissingErasure } from './find-missing.ts';
import { findPeople } from './find-people.ts';

type Deps = { db: Kysely<Database>; contentKeys: readonly ContentKey[]; logger: Logger };
type OfUser = Extract<ErasureRecord, { kind: 'erase_user' }>;
/** A person or a conversation that the database does not have leaves the job nothing to do. */
type Subject = { subject: string | undefined; hash: Buffer | null };

/**
 * Brings back the jobs of erasures of which a restored database knows nothing, and refuses who was
 * erased. The jobs have the record number 0, so each store still counts them as missing. A repeat
 * goes on where an earlier one ended.
 */
export async function bringBack(deps: Deps, missing: readonly MissingErasure[]): Promise<void> {
  const { db, contentKeys } = deps;
  const ofUsers = missing.flatMap(({ record }) => (record.kind === 'erase_user' ? record : []));
  for (const { secret } of ofUsers.slice(0, 1)) await restoreSecret(db, secret);
  const secretOf = (record: OfUser): Buffer => {
    const { key_id, wrapped } = record.secret;
    return openSecret({ key_id, wrapped: Buffer.from(wrapped, 'base64') }, contentKeys);
  };
  const people = await findPeople(
    db,
    ofUsers.map((record) => ({ secret: secretOf(record), hash: record.hash })),
  );
  const own = ofUsers.length === 0 ? undefined : await new ErasureSecret(deps).get();
  for (const { record } of missing) {
    await db.transaction().execute(async (tx) => {
      const about = await subjectOf(tx, record, (user) => {
        const userId = people.get(user.hash);
        const isOwn = own !== undefined && secretOf(user).equals(own);
        return { userId, hash: hashIn({ own, isOwn, userId, recorded: user.hash }) };
      });
      await insertJob(tx, record, about);
    });
  }
}

/** A database from before the first erasure has no secret. */
async function restoreSecret(
  db: Kysely<Database>,
  { key_id, wrapped }: OfUser['secret'],
): Promise<void> {
  await sql`insert into erasure_secret (key_id, wrapped)
    values (${key_id}, ${Buffer.from(wrapped, 'base64')}) on conflict do nothing`.execute(db);
}

type Hashing = {
  own: Buffer | undefined;
  isOwn: boolean;
  userId: UserId | undefined;
  recorded: string;
};

/** A database that has made another secret meanwhile knows the person by another hash. */
function hashIn({ own, isOwn, userId, recorded }: Hashing): Buffer {
  const isOther = !isOwn && own !== undefined && userId !== undefined;
  return isOther ? erasedHash(own, userId) : Buffer.from(recorded, 'base64');
}

type Known = (user: OfUser) => { userId: UserId | undefined; hash: Buffer };

async function subjectOf(
  tx: Transaction<Database>,
  record: ErasureRecord,
  known: Known,
): Promise<Subject> {
  if (record.kind === 'erase_content') {
    const { rows } = await sql`select from conversations
      where conversation_id = ${record.conversation_id}`.execute(tx);
    return { subject: rows.length > 0 ? record.conversation_id : undefined, hash: null };
  }
  const { userId, hash } = known(record);
  await sql`insert into erased_users (hash) values (${hash}) on conflict do nothing`.execute(tx);
  return { subject: userId, hash };
}

/**
 * If another job is under way for the subject, that one begins anew, and this one has nothing left
 * to do. A row that an earlier call has brought back stays as it is.
 */
async function insertJob(
  tx: Transaction<Database>,
  { job_id, kind, service }: ErasureRecord,
  { subject, hash }: Subject,
): Promise<void> {
  const { rows: others } = await sql`
    update jobs set state = 'running', place = '{}', step = step + 1, lease_id = null, tries = 0
    where kind = ${kind} and subject = ${subject ?? null}::uuid and state <> 'done'
      and job_id <> ${job_id} returning job_id`.execute(tx);
  const isDone = subject === undefined || others.length > 0;
  const state = isDone ? 'done' : 'running';
  await sql`
    insert into jobs (job_id, kind, subject, subject_hash, service, state, record_seq, finished_at)
    values (${job_id}, ${kind}, ${isDone && hash !== null ? null : (subject ?? null)}::uuid,
      ${hash}::bytea, ${service}, ${state}, 0, case when ${isDone} then now() end)
    on conflict (job_id) do update set state = 'running', place = '{}', step = jobs.step + 1,
      lease_id = null, record_seq = 0, finished_at = null, subject = excluded.subject
    where jobs.record_seq > 0`.execute(tx);
}
