import { type Kysely, sql } from 'kysely';

/**
 * NATS has a record of each erasure, and the job notes the number of its newest one. A job whose
 * erasure is being repeated after a restore has 0 until all are done.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table jobs add column record_seq bigint`.execute(db);
  await sql`create index jobs_record on jobs (record_seq)`.execute(db);
}
