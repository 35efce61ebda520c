import { type Kysely, sql } from 'kysely';

/**
 * This migration makes the tables of businesses and of their agents. A business has a row once a
 * service or a manager sets anything of it, and its defaults until then.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create type business_assignment as enum ('round_robin', 'least_busy')`,
  `create type agent_role as enum ('agent', 'manager')`,
  `create type agent_status as enum ('available', 'away', 'offline')`,

  // A business without `hours` is always open.
  `create table businesses (
    business_id uuid primary key,
    assignment business_assignment not null default 'least_busy',
    capacity smallint not null default 5,
    time_zone text not null default 'UTC',
    hours jsonb,
    exceptions jsonb not null default '[]',
    away_message text,
    offline_grace_s int not null default 60,
    reassign_after_s int not null default 300,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now()
  )`,

  // An agent without a `capacity` has the one of the business. `status` is what agents say
  // themselves, since `status_at`; whether they are online stands in Redis. `last_assigned_at` says
  // who has been longest without a new conversation.
  `create table business_agents (
    business_id uuid not null,
    user_id uuid not null,
    role agent_role not null default 'agent',
    capacity smallint,
    status agent_status not null default 'offline',
    status_at timestamptz(3) not null default now(),
    last_assigned_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    primary key (business_id, user_id)
  ) with (fillfactor = 70)`,
  'create index business_agents_user on business_agents (user_id)',
];
