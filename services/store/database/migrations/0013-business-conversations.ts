import { type Kysely, sql } from 'kysely';

/**
 * This migration lets a conversation belong to a customer and a business. Its state stands in the
 * row of the conversation, which every change locks anyway. Adding columns without a default
 * rewrites no row.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create type business_state as enum ('waiting', 'assigned', 'closed')`,

  // Only a business conversation has values in these columns. `waiting_since` is set while it waits
  // alone. `unanswered_seq` and `unanswered_since` name the customer's first message that no agent
  // has answered. `has_answered` says that the assignee has written since the assignment, and
  // `answered_at` when an agent wrote last. `preferred_agent_id` had it last when it was reopened.
  // It left the state `closed` at `opened_at`. No away message is due before `away_until`.
  `alter table conversations
    add column customer_id uuid,
    add column state business_state,
    add column assignee_id uuid,
    add column last_agent_id uuid,
    add column preferred_agent_id uuid,
    add column waiting_since timestamptz(3),
    add column opened_at timestamptz(3),
    add column closed_at timestamptz(3),
    add column unanswered_seq bigint,
    add column unanswered_since timestamptz(3),
    add column has_answered boolean,
    add column answered_at timestamptz(3),
    add column away_until timestamptz(3),
    add constraint conversations_state check (
      (type = 'business') = (state is not null)
      and (state = 'assigned') is not distinct from
        (case when state is not null then assignee_id is not null end)
      and (state = 'waiting') is not distinct from
        (case when state is not null then waiting_since is not null end)) not valid`,

  // These are the views of the inbox, in the order in which they are listed.
  `create index conversations_waiting on conversations
    (business_id, waiting_since, conversation_id) where state = 'waiting'`,
  `create index conversations_assigned on conversations
    (business_id, assignee_id, conversation_id) where state = 'assigned'`,
  `create index conversations_closed on conversations
    (business_id, closed_at, conversation_id) where state = 'closed' and closed_at is not null`,
  `create index conversations_closed_by on conversations
    (business_id, last_agent_id, closed_at, conversation_id)
    where state = 'closed' and closed_at is not null`,

  // Every step of a business locks this row last, and raises `version` by one. `due_at` says when
  // a router has to look at the business next: it has something to give out, opens, or has an agent
  // who has been away for too long. `claimed_until` is the lease of the router that does so.
  `create table business_inboxes (
    business_id uuid primary key,
    version bigint not null default 0,
    due_at timestamptz(3),
    claimed_until timestamptz(3),
    swept_at timestamptz(3) not null default now()
  ) with (fillfactor = 50)`,
  'create index business_inboxes_due on business_inboxes (due_at) where due_at is not null',

  // An agent without `offline_since` is online, or nobody knows. One who was never seen is offline
  // since 1970.
  `alter table business_agents
    add column offline_since timestamptz(3) default '1970-01-01T00:00:00Z'`,

  // The log has every step: `actor_id` took it, or nobody did; `agent_id` was assigned, and
  // `from_agent_id` lost it. `open` and `capacity` are those of the agent, the new one counted.
  `create table business_steps (
    step_id bigint generated always as identity primary key,
    business_id uuid not null,
    version bigint not null,
    conversation_id uuid not null,
    at timestamptz(3) not null,
    step text not null,
    reason text not null,
    actor_id uuid,
    agent_id uuid,
    from_agent_id uuid,
    waiting_since timestamptz(3),
    open int,
    capacity int
  )`,
  'create index business_steps_business on business_steps (business_id, version)',
];
