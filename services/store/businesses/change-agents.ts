import { type Kysely, sql, type Transaction } from 'kysely';
import type {
  AgentRecord,
  AgentsPage,
  BusinessCommands,
} from '../../../shared/contracts/businesses.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { AgentInput, AgentStatus } from '../../../shared/protocol/business-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Database } from '../database/schema.ts';
import { forbidden, lockForChange } from './business-rights.ts';
import { readAgentsPage, selectAgent, toAgentRecord } from './list-agents.ts';

type Request<Op extends keyof BusinessCommands> = BusinessCommands[Op][0];

/**
 * `businesses.set_agents` makes exactly the named users agents. Those who were agents before keep
 * their status and when they were assigned something last; all others begin anew.
 */
export function setAgents(
  db: Kysely<Database>,
  { agents, ...of }: Request<'businesses.set_agents'>,
): Promise<AgentsPage> {
  const { business_id } = of;
  return db.transaction().execute(async (tx) => {
    await lockForChange(tx, of);
    await tx
      .selectFrom('business_agents')
      .select('user_id')
      .where('business_id', '=', business_id)
      .orderBy('user_id')
      .forUpdate()
      .execute();
    const userIds = agents.map(({ user_id }) => user_id);
    await tx
      .deleteFrom('business_agents')
      .where('business_id', '=', business_id)
      .where(sql<boolean>`user_id <> all(${userIds}::uuid[])`)
      .execute();
    await upsertAgents(tx, business_id, agents);
    return readAgentsPage(tx, { business_id });
  });
}

/** `businesses.set_agent` adds an agent, or replaces role and capacity. CONFLICT: too many. */
export function setAgent(
  db: Kysely<Database>,
  { agent, ...of }: Request<'businesses.set_agent'>,
): Promise<AgentRecord> {
  const { business_id } = of;
  return db.transaction().execute(async (tx) => {
    await lockForChange(tx, of);
    await upsertAgents(tx, business_id, [agent]);
    const { count } = await tx
      .selectFrom('business_agents')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('business_id', '=', business_id)
      .executeTakeFirstOrThrow();
    if (count > LIMITS.agentsMax) {
      throw new KahaError('CONFLICT', `A business has at most ${LIMITS.agentsMax} agents`);
    }
    const row = await selectAgent(tx, business_id, agent.user_id);
    return toAgentRecord(row as NonNullable<typeof row>);
  });
}

async function upsertAgents(
  tx: Transaction<Database>,
  businessId: BusinessId,
  agents: readonly AgentInput[],
): Promise<void> {
  const userIds = agents.map(({ user_id }) => user_id);
  const roles = agents.map(({ role = 'agent' }) => role);
  const capacities = agents.map(({ capacity = null }) => capacity);
  await sql`insert into business_agents (business_id, user_id, role, capacity)
    select ${businessId}::uuid, user_id, role::agent_role, capacity
      from unnest(${userIds}::uuid[], ${roles}::text[], ${capacities}::smallint[])
        as agents (user_id, role, capacity)
      order by user_id
    on conflict (business_id, user_id) do update
      set role = excluded.role, capacity = excluded.capacity`.execute(tx);
}

/** `businesses.remove_agent` also lets managers go themselves. NOT_FOUND: the user is no agent. */
export function removeAgent(
  db: Kysely<Database>,
  { user_id, ...of }: Request<'businesses.remove_agent'>,
): Promise<undefined> {
  return db.transaction().execute(async (tx) => {
    await lockForChange(tx, of);
    const { numDeletedRows } = await tx
      .deleteFrom('business_agents')
      .where('business_id', '=', of.business_id)
      .where('user_id', '=', user_id)
      .executeTakeFirst();
    // The transaction takes back a row that it has made for a business nobody knows.
    if (numDeletedRows === 0n) throw new KahaError('NOT_FOUND', 'The user is no agent');
    return undefined;
  });
}

/**
 * `businesses.set_status` is one statement, which finds the user's right and changes the row that
 * gives it. A status that is set again keeps its time.
 */
export async function setStatus(
  db: Kysely<Database>,
  { business_id, user_id, status }: Request<'businesses.set_status'>,
): Promise<{ status: AgentStatus }> {
  const { rows } = await sql<{ user_id: UserId }>`update business_agents set status = ${status},
      status_at = case when status = ${status} then status_at else now() end
    where business_id = ${business_id} and user_id = ${user_id}
    returning user_id`.execute(db);
  if (rows.length === 0) throw forbidden('Only agents of the business have a status');
  return { status };
}
