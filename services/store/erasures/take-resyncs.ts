import type { Redis } from 'ioredis';
import { type Kysely, sql } from 'kysely';
import type { JobId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { forgetLists } from './forget-in-redis.ts';

type Deps = { db: Kysely<Database>; redis: Redis | undefined };
type Taking = {
  jobId: JobId;
  /** A router has voided the device queues of these. */
  told: readonly UserId[];
};

const PAGE = 100;

/** Returns whose device queues a router has to void next. Their kept chat lists are gone then. */
export async function takeResyncs({ db, redis }: Deps, { jobId, told }: Taking): Promise<UserId[]> {
  if (told.length > 0) {
    await sql`delete from job_resyncs where job_id = ${jobId}
      and user_id = any(${told}::uuid[])`.execute(db);
  }
  const { rows } = await sql<{ user_id: UserId }>`
    select user_id from job_resyncs where job_id = ${jobId}
    order by user_id limit ${PAGE}`.execute(db);
  const userIds = rows.map(({ user_id }) => user_id);
  if (redis !== undefined && userIds.length > 0) await forgetLists(redis, userIds);
  return userIds;
}
