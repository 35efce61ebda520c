import { type Kysely, sql, type Transaction } from 'kysely';
import type { HeldConversation } from '../../../shared/business/agent-absence.ts';
import type { AgentLoad, Scene, WaitingConversation } from '../../../shared/business/give-out.ts';
import { hoursAt } from '../../../shared/business/hours.ts';
import type { BusinessId, ConversationId, UserId } from '../../../shared/ids.ts';
import type { AgentStatus } from '../../../shared/protocol/business-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { toSettings } from '../businesses/settings-row.ts';
import type { Database } from '../database/schema.ts';
import { isAvailable } from './availability.ts';

/**
 * A scene has the first of those that wait. At least one of them can be given out if any can: those
 * who wait for a full agent are left out, and an agent who is a customer is so once.
 */
const WAITING_MAX = 200;
/** A scene has this many of those that may go back. The others take their turn once these have. */
const HELD_MAX = 1_000;

/**
 * Reads what a business has at one instant. A business of which nothing is set has no agents, and
 * gets undefined.
 */
export function readScene(db: Kysely<Database>, id: BusinessId): Promise<Scene | undefined> {
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  return snapshot.execute(async (tx) => {
    const business = await tx
      .selectFrom('businesses')
      .selectAll()
      .select(sql<string>`clock_timestamp()`.as('now'))
      .where('business_id', '=', id)
      .executeTakeFirst();
    if (business === undefined) return undefined;
    const settings = toSettings(business);
    const nowMs = Date.parse(business.now);
    const { isOpen, changesAtMs } = hoursAt(settings, nowMs);
    const agents = await selectAgents(tx, id);
    const waiting = await selectWaiting(tx, id, agents);
    const held = await selectHeld(tx, id);
    const opensAtMs = isOpen ? undefined : changesAtMs;
    return { nowMs, isOpen, opensAtMs, settings, waiting, agents, held };
  });
}

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

async function selectAgents(tx: Transaction<Database>, id: BusinessId): Promise<AgentLoad[]> {
  const { rows } = await sql<AgentRow>`
    select a.user_id, a.status, a.status_at, a.offline_since, ${isAvailable} as is_available,
      coalesce(a.capacity, b.capacity) as capacity, coalesce(held.open, 0)::int as open,
      a.last_assigned_at
    from business_agents a join businesses b using (business_id)
      left join (select assignee_id as user_id, count(*) as open from conversations
        where business_id = ${id} and state = 'assigned' group by assignee_id) held using (user_id)
    where a.business_id = ${id} limit ${LIMITS.agentsMax}`.execute(tx);
  return rows.map(({ user_id, status, capacity, open, ...row }) => ({
    ...{ user_id, status, capacity, open, isAvailable: row.is_available },
    statusAtMs: Date.parse(row.status_at),
    offlineSinceMs: msOf(row.offline_since),
    lastAssignedAtMs: msOf(row.last_assigned_at),
  }));
}

type WaitingRow = Omit<WaitingConversation, 'preferred_agent_id'> & {
  preferred_agent_id: UserId | null;
};

async function selectWaiting(
  tx: Transaction<Database>,
  id: BusinessId,
  agents: readonly AgentLoad[],
): Promise<WaitingConversation[]> {
  const full = agents.filter(({ isAvailable, open, capacity }) => isAvailable && open >= capacity);
  const awaited = full.map(({ user_id }) => user_id);
  const { rows } = await sql<WaitingRow>`
    select conversation_id, version, customer_id, preferred_agent_id from conversations
    where business_id = ${id} and state = 'waiting'
      and (preferred_agent_id is null or preferred_agent_id <> all(${awaited}::uuid[]))
    order by waiting_since, conversation_id limit ${WAITING_MAX}`.execute(tx);
  return rows.map(({ preferred_agent_id: preferred, ...row }) => ({
    ...row,
    preferred_agent_id: preferred ?? undefined,
  }));
}

type HeldRow = {
  conversation_id: ConversationId;
  version: number;
  agent_id: UserId;
  assigned_at: string;
  has_answered: boolean;
  unanswered_since: string | null;
};

/** Selects what agents have who may be gone, unless they have answered it. */
async function selectHeld(tx: Transaction<Database>, id: BusinessId): Promise<HeldConversation[]> {
  const { rows } = await sql<HeldRow>`
    select c.conversation_id, c.version, c.assignee_id as agent_id, p.joined_at as assigned_at,
      coalesce(c.has_answered, false) as has_answered, c.unanswered_since
    from conversations c
      join business_agents a on a.business_id = c.business_id and a.user_id = c.assignee_id
      join participants p on p.conversation_id = c.conversation_id and p.user_id = c.assignee_id
    where c.business_id = ${id} and c.state = 'assigned'
      and (a.status = 'offline' or a.offline_since is not null)
      and (c.has_answered is not true or c.unanswered_since is not null)
    order by has_answered, c.unanswered_since nulls first, c.conversation_id
    limit ${HELD_MAX}`.execute(tx);
  return rows.map(({ assigned_at, has_answered, unanswered_since, ...row }) => ({
    ...row,
    assignedAtMs: Date.parse(assigned_at),
    hasAnswered: has_answered,
    unansweredSinceMs: msOf(unanswered_since),
  }));
}

function msOf(time: string | null): number | undefined {
  return time === null ? undefined : Date.parse(time);
}
