import { type Kysely, sql } from 'kysely';

/**
 * The function does for several conversations what the one of migration 0010 with the same name
 * does for one of them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(OWED_TO_USERS).execute(db);
}

/**
 * The result has the events of each conversation that are owed to users. It is null if more than
 * `p_passed_max` rows are owed to users, and lacks conversations of which nothing is owed.
 */
const OWED_TO_USERS = `
create function owed_to_users(p_conversations uuid[], p_passed_max int) returns jsonb
  language sql volatile set enable_seqscan = off set enable_bitmapscan = off as $$
  with passed as materialized (
    select event_id, conversation_id from outbox
      where missed is distinct from '{}' order by created_at limit p_passed_max + 1
  )
  select case when (select count(*) from passed) <= p_passed_max then coalesce(
    (select jsonb_object_agg(conversation_id, events) from (
      select conversation_id, jsonb_agg(event_id) as events from passed
        where conversation_id = any(p_conversations) group by conversation_id) owed),
    '{}') end
$$`;
