import { type Kysely, sql } from 'kysely';

/**
 * Claims take the oldest rows first. All functions forbid the plans that read the whole table:
 * Postgres would choose them for a table that was empty a moment ago, and during an outage the
 * outbox grows faster than its statistics.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** Each predicate is that of an index of migration 0007. */
const TO_USERS = `missed is distinct from '{}'`;
const TO_FEED = `missed = '{}'`;

/**
 * The function leases up to `p_limit` rows that were written since `p_from` and more than
 * `p_after` ago. It skips rows that others have leased or are leasing right now. With 1 000 000
 * rows owed, a claim of 200 rows takes 4 to 10 ms. A leased row that the scan passes takes 1.1 µs,
 * a deleted one that is not vacuumed yet 0.03 µs, and 0.3 µs as long as an older transaction, as
 * of a backup, could still see it.
 */
function claim(name: string, predicate: string): string {
  return `
create function ${name}(
  p_from timestamptz, p_limit int, p_lease interval, p_after interval
) returns setof outbox language sql volatile
  set enable_seqscan = off set enable_bitmapscan = off
  set enable_hashjoin = off set enable_mergejoin = off as $$
  with owed as materialized (
    select event_id from outbox
      where ${predicate}
        and created_at >= coalesce(p_from, '-infinity') and created_at < now() - p_after
        and (claimed_until is null or claimed_until < now())
      order by created_at limit p_limit for update skip locked
  )
  update outbox o set claimed_until = now() + p_lease
    from owed where o.event_id = owed.event_id
    returning o.*
$$`;
}

const OLDEST_OWED = `
create function oldest_owed() returns timestamptz language sql volatile
  set enable_seqscan = off set enable_bitmapscan = off as $$
  select least((select min(created_at) from outbox where ${TO_USERS}),
    (select min(created_at) from outbox where ${TO_FEED}))
$$`;

/**
 * The result is a time from `p_from` on: between the two no row is left that the feed lacks and
 * that can be read, and none will be written. Rows that the feed has and users lack can be many, so
 * the function passes at most 20 000 of them, in 4 to 10 ms, and the next look goes on from the
 * result.
 *
 * A row is not visible before its transaction has ended, and is then at most as old as that. The
 * function reads first which transactions of store are open, and then the rows as they are after
 * that, so it misses none. The 10 s cover what lies between the clock and these readings.
 */
const OLDEST_UNFED = `
create function oldest_unfed(p_from timestamptz) returns timestamptz language plpgsql volatile
  set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_until timestamptz;
begin
  select coalesce(min(xact_start), now()) - interval '10 s' into v_until
    from pg_stat_activity
    where datname = current_database() and application_name = current_setting('application_name');
  return (
    with passed as (
      select created_at, is_fed or is_unreadable as is_passed from outbox
        where ${TO_USERS} and created_at >= coalesce(p_from, '-infinity')
          and created_at < v_until
        order by created_at limit 20000
    )
    select least(
      (select min(created_at) from passed where not is_passed),
      (select max(created_at) from passed having count(*) = 20000),
      (select created_at from outbox
        where ${TO_FEED} and created_at >= coalesce(p_from, '-infinity')
          and not (is_fed or is_unreadable)
        order by created_at limit 1),
      v_until));
end $$`;

/**
 * The result has the events of a conversation that are owed to users, or is null if more than
 * `p_passed_max` rows are owed to users. An index by conversation would cost each append more than
 * this costs a removal, and reading 1 000 000 rows takes 100 ms.
 */
const OWED_TO_USERS = `
create function owed_to_users(p_conversation uuid, p_passed_max int) returns uuid[]
  language sql volatile set enable_seqscan = off set enable_bitmapscan = off as $$
  with passed as materialized (
    select event_id, conversation_id from outbox
      where ${TO_USERS} order by created_at limit p_passed_max + 1
  )
  select case when (select count(*) from passed) <= p_passed_max
    then array(select event_id from passed where conversation_id = p_conversation) end
$$`;

const STATEMENTS = [
  claim('claim_owed_to_users', TO_USERS),
  claim('claim_owed_to_feed', TO_FEED),
  OLDEST_OWED,
  OLDEST_UNFED,
  OWED_TO_USERS,
];
