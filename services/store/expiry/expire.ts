import { type Kysely, sql } from 'kysely';
import type { Expired, ExpireRequest } from '../../../shared/contracts/store-ops.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Database } from '../database/schema.ts';
import { clearBatch, NOTHING } from './clear-batch.ts';
import { judgeClock } from './clock-guard.ts';
import { findWork, markExpired, noteWork } from './expired-partitions.ts';
import { type ExpiryPolicy, limitsOf } from './expiry-policy.ts';
import { restampAhead } from './restamp-ahead.ts';

type Deps = { db: Kysely<Database>; policy: ExpiryPolicy; logger: Logger };

const BATCH_MAX = 5_000;

/**
 * `retention.expire` takes one step: it marks partitions of which all is past the retention time,
 * and clears up to `limit` messages whose grace is over. `left` says that there is more to clear.
 * Nothing is marked or cleared while the clock cannot be trusted. Messages that are ahead of a
 * trusted clock get the time of now first.
 */
export async function expire(
  { db, policy, logger }: Deps,
  { asked_at, limit }: ExpireRequest,
): Promise<Expired> {
  const { nowMs, held } = await judgeClock(db, asked_at);
  const limits = limitsOf(policy, nowMs);
  const backlog = await readBacklog(db, limits?.goneMs ?? Number.NEGATIVE_INFINITY);
  const idle = { ...NOTHING, marked: [], left: false, ...backlog };
  if (held !== undefined) return { ...idle, held };
  const restamped = await restampAhead(db);
  if (restamped > 0) logger.warn({ restamped }, 'messages were sent by a clock that was ahead');
  if (restamped > 0) return { ...idle, left: true };
  if (limits === undefined) return idle;
  const marked = await markExpired(db, limits);
  const work = await findWork(db, limits);
  if (work === undefined) return { ...idle, marked };
  await noteWork(db, work);
  const cleared = await clearBatch(db, work, Math.min(Math.max(limit, 1), BATCH_MAX));
  return { ...cleared, marked, left: true, ...backlog };
}

/** The backlog is what ought to be gone: it was sent before `goneMs`. */
async function readBacklog(
  db: Kysely<Database>,
  goneMs: number,
): Promise<{ partitions_due: number; oldest_due_s: number }> {
  if (!Number.isFinite(goneMs)) return { partitions_due: 0, oldest_due_s: 0 };
  const { rows } = await sql<{ partitions_due: number; oldest_due_s: number }>`
    select count(*) as partitions_due,
      coalesce(greatest(extract(epoch from to_timestamp(${goneMs / 1_000}) - min(until_at)), 0),
        0)::float8 as oldest_due_s
    from expired_partitions
    where until_at <= to_timestamp(${goneMs / 1_000})`.execute(db);
  return rows[0] as (typeof rows)[number];
}
