import { type Kysely, sql } from 'kysely';

/**
 * These functions do for a step of a business conversation in one call what took a statement for
 * each row. Each is VOLATILE, so each of its statements sees all that was committed before the
 * statement began, and what is read behind a lock is current.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // These two decide alone whether an agent is available: the agent says so, and is online, or
  // nobody knows, or their grace runs. Postgres puts their bodies into the queries that call them.
  `create function agent_in_grace(p_offline_since timestamptz, p_grace_s int) returns boolean
    language sql stable as $$
    select p_offline_since > statement_timestamp() - p_grace_s * interval '1 second' $$`,
  `create function agent_is_available(
    p_status agent_status, p_offline_since timestamptz, p_grace_s int) returns boolean
    language sql stable as $$
    select p_status = 'available' and (p_offline_since is null
      or p_offline_since > statement_timestamp() - p_grace_s * interval '1 second') $$`,

  // It locks all by which a step is judged, in the order that store/inbox/lock-step.ts tells, and
  // returns it. The agent p_agent gets or loses the conversation. With p_in_turn, it also locks the
  // inbox, and says whether it is the turn of the conversation.
  `create function lock_step(p_conversation uuid, p_caller uuid, p_agent uuid, p_in_turn boolean)
    returns jsonb language plpgsql volatile as $$
  declare
    v_business uuid;
    v_row businesses;
    v_agent jsonb;
    v_role agent_role;
    v_conversation conversations;
    v_participants jsonb;
    v_now timestamptz;
    v_turn jsonb;
  begin
    -- A conversation belongs to the same business for ever, so this needs no lock.
    select business_id into v_business from conversations where conversation_id = p_conversation;
    select * into v_row from businesses where business_id = v_business for share;
    if found then
      if p_agent is not null then
        select to_jsonb(a) || jsonb_build_object('is_available',
            agent_is_available(a.status, a.offline_since, v_row.offline_grace_s))
          into v_agent from business_agents a
          where business_id = v_business and user_id = p_agent for no key update;
        -- This begins after the lock is held, so it sees every assignment that was committed.
        v_agent := v_agent || jsonb_build_object('open', (select count(*) from conversations
          where business_id = v_business and state = 'assigned' and assignee_id = p_agent));
      end if;
      select role into v_role from business_agents
        where business_id = v_business and user_id = p_caller;
    end if;
    select * into v_conversation from conversations
      where conversation_id = p_conversation for update;
    if not found then
      return null;
    end if;
    select coalesce(jsonb_agg(p), '[]') into v_participants from (
      select * from participants
        where conversation_id = p_conversation and (left_at is null or user_id = p_agent)
        order by user_id for no key update) p;
    -- The time is read under the locks, so that later writes have later times.
    v_now := date_trunc('milliseconds', clock_timestamp());
    if p_in_turn then
      perform from business_inboxes where business_id = v_business for update;
      with there as materialized (
        select a.user_id from business_agents a where a.business_id = v_business
          and agent_is_available(a.status, a.offline_since, v_row.offline_grace_s))
      select jsonb_build_object(
        'hasOlder', exists (select from conversations c
          where c.business_id = v_business and c.state = 'waiting'
            and (c.waiting_since, c.conversation_id)
              < (v_conversation.waiting_since, p_conversation)
            and c.customer_id <> p_agent
            and (c.preferred_agent_id is null or c.preferred_agent_id = p_agent
              or not exists (select from there where user_id = c.preferred_agent_id))),
        'isAwaited', v_conversation.preferred_agent_id <> p_agent
          and exists (select from there where user_id = v_conversation.preferred_agent_id)
          is true) into v_turn;
    end if;
    return jsonb_build_object('business', case when v_row.business_id is not null
        then jsonb_build_object('settings', to_jsonb(v_row), 'role', v_role,
          'agent', v_agent) end,
      'conversation', to_jsonb(v_conversation), 'participants', v_participants,
      'now', v_now, 'turn', v_turn);
  end $$`,

  // It numbers p_count steps of a business, logs those that the arrays hold, and makes the business
  // due if p_due says so, or if a place was freed and something waits. The inbox is locked last,
  // and both the clock and what waits are read under its lock.
  `create function write_steps(p_business uuid, p_count int, p_due boolean, p_freed boolean,
    p_assigned uuid[], p_nth int[], p_conversation uuid[], p_step text[], p_reason text[],
    p_actor uuid[], p_agent uuid[], p_from_agent uuid[], p_waiting_since timestamptz[],
    p_open int[], p_capacity int[]
  ) returns table (version bigint, now timestamptz, is_due boolean)
    language plpgsql volatile as $$
  #variable_conflict use_column
  begin
    if p_assigned <> '{}' then
      update business_agents
        set last_assigned_at = date_trunc('milliseconds', clock_timestamp())
        where business_id = p_business and user_id = any(p_assigned);
    end if;
    perform from business_inboxes where business_id = p_business for update;
    now := date_trunc('milliseconds', clock_timestamp());
    is_due := p_due or (p_freed and exists (select from conversations
      where business_id = p_business and state = 'waiting'));
    insert into business_inboxes as i (business_id, version, due_at)
      values (p_business, p_count, case when is_due then now end)
      on conflict (business_id) do update set version = i.version + excluded.version,
        due_at = least(i.due_at, excluded.due_at)
      returning i.version into version;
    insert into business_steps (business_id, version, conversation_id, at, step, reason,
        actor_id, agent_id, from_agent_id, waiting_since, open, capacity)
      select p_business, version - p_count + w.nth, w.conversation, now, w.step, w.reason,
          w.actor, w.agent, w.from_agent, w.waiting_since, w.open, w.capacity
        from unnest(p_nth, p_conversation, p_step, p_reason, p_actor, p_agent, p_from_agent,
          p_waiting_since, p_open, p_capacity) as w (nth, conversation, step, reason, actor,
          agent, from_agent, waiting_since, open, capacity);
    return next;
  end $$`,
];
