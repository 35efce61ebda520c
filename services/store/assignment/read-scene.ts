import { type Kysely, type Selectable, sql } from 'kysely';
import type { AgentLoad, Scene, WaitingConversation } from '../../../shared/business/give-out.ts';
import { hoursAt } from '../../../shared/business/hours.ts';
import type { BusinessId, ConversationId, UserId } from '../../../shared/ids.ts';
import type { AgentStatus } from '../../../shared/protocol/business-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { toSettings } from '../businesses/settings-row.ts';
import type { BusinessesTable, Database } from '../database/schema.ts';
import { isAvailable } from './availability.ts';

/**
 * A scene has the first of those that wait. At least one of them can be given out if any can: those
 * who wait for a full agent are left out, and an agent who is a customer is so once.
 */
const WAITING_MAX = 200;
/**
 * A scene has this many of those that may go back, and has those that do so first. `returnOf` in
 * `shared/business` decides when a conversation goes back; the query only orders by that time.
 */
export const HELD_MAX = 1_000;

type AgentRow = {
  user_id: UserId;
  status: AgentStatus;
  status_at: string;
  offline_since: string | null;
  is_available: boolean;
  capacity: number;
  open: number;
  last_assigned_at: string | null;
};
type WaitingRow = Omit<WaitingConversation, 'preferred_agent_id'> & {
  preferred_agent_id: UserId | null;
};
/** An agent has it who may be gone, and has not answered it. */
type HeldRow = {
  conversation_id: ConversationId;
  version: number;
  agent_id: UserId;
  assigned_at: string;
  has_answered: boolean;
  unanswered_since: string | null;
};
type SceneRow = {
  business: Selectable<BusinessesTable>;
  now: string;
  agents: AgentRow[];
  waiting: WaitingRow[];
  held: HeldRow[];
};

/**
 * Says when an assigned conversation goes back if its agent stays away: the earliest time that one
 * of the agent's absences gives, as `returnOf` has it. The query names the agent `a`, the limits of
 * the business `b`, the conversation `c`, and the agent as its participant `p`.
 */
const goesBack = sql`select min(case
      when c.has_answered
        then greatest(from_at, greatest(since, c.unanswered_since) + b.reassign_after)
      when p.joined_at >= from_at then p.joined_at + b.reassign_after
      else from_at end) as at
    from (values (case when a.status = 'offline' then a.status_at end, interval '0'),
      (gone_since, b.grace)) absences (since, wait)
      cross join lateral (select since + wait as from_at) counts
    where since is not null`;

/**
 * Reads what a business has at one instant, which is that of one statement. A business of which
 * nothing is set has no agents, and gets undefined. With `gone`, agents keep what they have as if
 * they were online, unless `gone` names them or they say `offline`.
 */
export async function readScene(
  db: Kysely<Database>,
  id: BusinessId,
  gone?: readonly UserId[],
): Promise<Scene | undefined> {
  const goneSince = gone
    ? sql`case when a.user_id = any(${gone}::uuid[]) then a.offline_since end`
    : sql`a.offline_since`;
  const { rows } = await sql<SceneRow>`
    with agents as materialized (
      select a.user_id, a.status, a.status_at, a.offline_since, ${isAvailable} as is_available,
        coalesce(a.capacity, b.capacity) as capacity, coalesce(held.open, 0)::int as open,
        a.last_assigned_at
      from business_agents a join businesses b using (business_id)
        left join (select assignee_id as user_id, count(*) as open from conversations
          where business_id = ${id} and state = 'assigned' group by assignee_id) held
          using (user_id)
      where a.business_id = ${id} limit ${sql.lit(LIMITS.agentsMax)}
    ), waiting as (
      select conversation_id, version, customer_id, preferred_agent_id from conversations c
      where business_id = ${id} and state = 'waiting' and (preferred_agent_id is null
        or not exists (select from agents a where a.user_id = c.preferred_agent_id
          and is_available and open >= capacity))
      order by waiting_since, conversation_id limit ${sql.lit(WAITING_MAX)}
    ), held as (
      select c.conversation_id, c.version, c.assignee_id as agent_id, p.joined_at as assigned_at,
        coalesce(c.has_answered, false) as has_answered, c.unanswered_since
      from (select *, ${goneSince} as gone_since from agents a) a
        cross join (select offline_grace_s * interval '1 second' as grace,
            reassign_after_s * interval '1 second' as reassign_after
          from businesses where business_id = ${id}) b
        join conversations c on c.business_id = ${id} and c.assignee_id = a.user_id
        join participants p on p.conversation_id = c.conversation_id and p.user_id = a.user_id
        cross join lateral (${goesBack}) goes_back
      where c.state = 'assigned' and (a.status = 'offline' or gone_since is not null)
        and (c.has_answered is not true or c.unanswered_since is not null)
      order by goes_back.at, c.conversation_id
      limit ${sql.lit(HELD_MAX)}
    )
    select to_jsonb(b) as business, clock_timestamp() as now,
      (select coalesce(json_agg(a), '[]') from agents a) as agents,
      (select coalesce(json_agg(w), '[]') from waiting w) as waiting,
      (select coalesce(json_agg(h), '[]') from held h) as held
    from businesses b where business_id = ${id}`.execute(db);
  const [row] = rows;
  return row && toScene(row);
}

function toScene({ business, now, agents, waiting, held }: SceneRow): Scene {
  const settings = toSettings(business);
  const nowMs = Date.parse(now);
  const { isOpen, changesAtMs } = hoursAt(settings, nowMs);
  return {
    ...{ nowMs, isOpen, settings, opensAtMs: isOpen ? undefined : changesAtMs },
    agents: agents.map(toLoad),
    waiting: waiting.map(({ preferred_agent_id: preferred, ...rest }) => ({
      ...rest,
      preferred_agent_id: preferred ?? undefined,
    })),
    held: held.map(toHeld),
  };
}

function toLoad({ user_id, status, capacity, open, ...row }: AgentRow): AgentLoad {
  return {
    ...{ user_id, status, capacity, open, isAvailable: row.is_available },
    statusAtMs: Date.parse(row.status_at),
    offlineSinceMs: msOf(row.offline_since),
    lastAssignedAtMs: msOf(row.last_assigned_at),
  };
}

function toHeld({ assigned_at, has_answered, unanswered_since, ...row }: HeldRow) {
  return {
    ...row,
    assignedAtMs: Date.parse(assigned_at),
    hasAnswered: has_answered,
    unansweredSinceMs: msOf(unanswered_since),
  };
}

function msOf(time: string | null): number | undefined {
  return time === null ? undefined : Date.parse(time);
}
