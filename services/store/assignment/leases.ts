import { type Kysely, sql } from 'kysely';
import type { AssignmentLease } from '../../../shared/contracts/assignment.ts';
import type { Database } from '../database/schema.ts';

const LIMIT_MAX = 100;
const LEASE_MS_MAX = 60_000;

/**
 * A lease gives a business to one router. Its end is written as `due_at` as well, so that a
 * business whose router dies is due again when the lease ends. A step that makes something possible
 * meanwhile sets an earlier `due_at`. The end of the lease tells the two apart:
 *
 *     due_at = claimed_until   Nothing has become possible since the router read the business.
 *     due_at < claimed_until   Something has.
 */
const leaseEnd = (leaseMs: number) => sql`date_trunc('milliseconds', clock_timestamp())
  + ${Math.min(leaseMs, LEASE_MS_MAX)}::float8 * interval '1 millisecond'`;

/** Postgres rounds times to milliseconds, so what is due may be written half a one late. */
const isDue = sql`due_at <= now() + interval '1 millisecond'`;

/**
 * A lease does not wait for the disk. If a crash of Postgres undoes one, or its end, the business
 * is due again, at once or when the lease ends. A sweep may just look twice.
 */
export const relaxed = sql`relaxed as materialized (
  select set_config('synchronous_commit', 'off', true))`;

/**
 * Leases businesses that are due and that no router has, those first that are
 * due for longest. It passes over a business that a step or another claim holds right now. Sweeps
 * no longer pass over an inbox that was idle.
 */
export async function claimBusinesses(
  db: Kysely<Database>,
  { limit, lease_ms }: { limit: number; lease_ms: number },
): Promise<AssignmentLease[]> {
  const { rows } = await sql<AssignmentLease>`
    with ${relaxed}, due as materialized (
      select business_id from business_inboxes
      where ${isDue} and (claimed_until is null or claimed_until <= now())
      order by due_at limit ${Math.min(limit, LIMIT_MAX)}
      for update skip locked)
    update business_inboxes i set claimed_until = lease.until, due_at = lease.until,
      swept_at = least(i.swept_at, now())
    from due, relaxed, (select ${leaseEnd(lease_ms)} as until) lease
    where i.business_id = due.business_id
    returning i.business_id, i.claimed_until as until`.execute(db);
  return rows;
}

/**
 * Makes a lease longer, and notes that what is possible by now has been seen. Returns the new end,
 * or undefined if the lease is over and another router has the business.
 */
export async function renewLease(
  db: Kysely<Database>,
  { business_id, until, lease_ms }: AssignmentLease & { lease_ms: number },
): Promise<string | undefined> {
  const { rows } = await sql<{ until: string }>`
    with ${relaxed}
    update business_inboxes set claimed_until = lease.until, due_at = lease.until
    from relaxed, (select ${leaseEnd(lease_ms)} as until) lease
    where business_id = ${business_id} and claimed_until = ${until}::timestamptz
    returning claimed_until as until`.execute(db);
  return rows[0]?.until;
}

/**
 * `assignment.done` ends a lease. The business is due at `at`, or never, or at once if something
 * has become possible since it was read. A time that is over counts as now: those that have been
 * due for longer come first then.
 */
export async function endLease(
  db: Kysely<Database>,
  { business_id, until, at }: AssignmentLease & { at: string | null },
): Promise<{ is_due: boolean }> {
  const { rows } = await sql<{ is_due: boolean | null }>`
    with ${relaxed}
    update business_inboxes set claimed_until = null,
      due_at = case when due_at < claimed_until then due_at
        when ${at}::timestamptz < now() then now() else ${at}::timestamptz end
    from relaxed where business_id = ${business_id} and claimed_until = ${until}::timestamptz
    returning ${isDue} as is_due`.execute(db);
  return { is_due: rows[0]?.is_due === true };
}
