import { type Kysely, sql } from 'kysely';
import type { JobId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { ErasureRecord } from './erasure-record.ts';
import type { ErasureStream } from './erasure-stream.ts';

type Deps = { db: Kysely<Database>; stream: ErasureStream };
export type MissingErasure = { seq: number; record: ErasureRecord };

/** So many records are compared with one query. */
const BATCH = 500;

/**
 * Finds erasures of which the stream has a record and this database knows nothing, as after the
 * restore of a backup from before. Each record is stored after the row of its job, and the number
 * of a record is noted after that. So a database has the jobs of all records up to the highest
 * number that it noted, and only the records behind it are read.
 */
export async function findMissing({ db, stream }: Deps): Promise<MissingErasure[]> {
  const ends = await stream.ends();
  const noted = await notedUpTo(db);
  if (ends === undefined && noted > 0) throw new Error('the stream ERASURES is missing');
  if (ends === undefined || ends.lastSeq <= noted) return [];
  const missing: MissingErasure[] = [];
  let batch: MissingErasure[] = [];
  const compare = async (): Promise<void> => {
    missing.push(...(await unknownOf(db, batch)));
    batch = [];
  };
  for await (const found of stream.read(Math.max(noted + 1, ends.firstSeq), ends.lastSeq)) {
    batch.push(found);
    if (batch.length === BATCH) await compare();
  }
  await compare();
  return missing;
}

/** Returns the highest number of a record that the database has noted. */
export async function notedUpTo(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ noted: number | null }>`
    select max(record_seq) as noted from jobs`.execute(db);
  return rows[0]?.noted ?? 0;
}

/** A job that is not recorded yet, or once more, begins with what its record tells. */
async function unknownOf(
  db: Kysely<Database>,
  found: readonly MissingErasure[],
): Promise<MissingErasure[]> {
  if (found.length === 0) return [];
  const ids = found.map(({ record }) => record.job_id);
  const { rows } = await sql<{ job_id: JobId; record_seq: number | null }>`
    select job_id, record_seq from jobs where job_id = any(${ids}::uuid[])`.execute(db);
  const known = new Map(rows.map(({ job_id, record_seq }) => [job_id, record_seq]));
  return found.filter(({ seq, record: { job_id } }) => {
    const noted = known.get(job_id);
    return noted === undefined || (noted !== null && noted < seq);
  });
}
