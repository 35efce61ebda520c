import { type Kysely, sql } from 'kysely';

/**
 * These functions say which messages are too old to be shown. Every statement that shows messages,
 * counts them, or lets somebody change them asks `visible_from`, and nothing else knows the rule.
 * A store tells each of its sessions the retention time, as `kaha.retention_days`. Without it, or
 * with 0, everything is shown for ever.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Messages that were sent up to this time are not shown. It is null where all are shown.
  `create function retention_limit() returns timestamptz language sql stable as $$
    select now() - make_interval(days =>
      nullif(nullif(current_setting('kaha.retention_days', true), '')::int, 0)) $$`,

  // The first `seq` that is shown is 1 + the highest one that is past the limit: a clock that
  // jumped may have left later times in front of earlier ones. All messages from there on are
  // within the limit. The scan reads one index entry of each partition that has passed, and of the
  // partition of the limit those entries of the conversation that have not passed.
  `create function visible_from(p_conversation uuid, p_first_seq bigint) returns bigint
    language plpgsql stable set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off as $$
  declare
    v_limit constant timestamptz := retention_limit();
    v_seq bigint;
  begin
    if v_limit is null then
      return p_first_seq;
    end if;
    select m.seq into v_seq from messages m
      where m.conversation_id = p_conversation and m.seq >= p_first_seq and m.sent_at <= v_limit
      order by m.seq desc limit 1;
    return coalesce(v_seq + 1, p_first_seq);
  end $$`,

  // It counts the messages above a position, which hidden messages must not be. A `seq` whose row
  // was deleted does not count. Beyond 500 it tells how many there are if none was deleted.
  `create function unread_above(p_conversation uuid, p_above bigint, p_last_seq bigint)
    returns bigint language plpgsql stable set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off as $$
  declare
    v_limit constant timestamptz := coalesce(retention_limit(), '-infinity');
    v_count bigint;
  begin
    if p_above >= p_last_seq then
      return 0;
    end if;
    select count(*) into v_count from (
      select from messages m
        where m.conversation_id = p_conversation and m.seq > p_above and m.seq <= p_last_seq
          and m.sent_at > v_limit
        limit 500) shown;
    return case when v_count < 500 then v_count else p_last_seq - p_above end;
  end $$`,
];
