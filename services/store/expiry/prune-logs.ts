import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { type ExpiryPolicy, stepsDaysOf } from './expiry-policy.ts';

type Deps = { db: Kysely<Database>; policy: ExpiryPolicy };

const BATCH_MAX = 5_000;

/**
 * `revisions.prune` forgets up to `limit` texts that people replaced or deleted before the grace
 * began. That a message was deleted, by whom and when, stays in `message_deletions`.
 */
export async function pruneRevisions(
  { db, policy }: Deps,
  limit: number,
): Promise<{ deleted: number }> {
  const { rows } = await sql<{ deleted: number }>`
    with old as materialized (
      select message_id, version from message_revisions
      where replaced_at < now() - make_interval(days => ${policy.graceDays}::int)
      order by replaced_at limit ${Math.min(limit, BATCH_MAX)} for update skip locked
    ), gone as (
      delete from message_revisions r using old
      where r.message_id = old.message_id and r.version = old.version returning 1
    )
    select count(*) as deleted from gone`.execute(db);
  return rows[0] ?? { deleted: 0 };
}

/**
 * `steps.prune` forgets up to `limit` steps of the log of businesses whose messages have gone. The
 * newest step of each business stays, because its version tells what is the newest.
 */
export async function pruneSteps(
  { db, policy }: Deps,
  limit: number,
): Promise<{ deleted: number }> {
  if (policy.days === 0) return { deleted: 0 };
  const { rows } = await sql<{ deleted: number }>`
    with old as materialized (
      select business_id, version from business_steps s
      where at < now() - make_interval(days => ${stepsDaysOf(policy)}::int)
        and exists (select from business_steps newer
          where newer.business_id = s.business_id and newer.version > s.version)
      order by at limit ${Math.min(limit, BATCH_MAX)} for update skip locked
    ), gone as (
      delete from business_steps s using old
      where s.business_id = old.business_id and s.version = old.version returning 1
    )
    select count(*) as deleted from gone`.execute(db);
  return rows[0] ?? { deleted: 0 };
}
