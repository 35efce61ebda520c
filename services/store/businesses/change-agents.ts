import { type Kysely, sql, type Transaction } from 'kysely';
import type {
  AgentRecord,
  BusinessChanges,
  BusinessCommands,
  OfBusiness,
} from '../../../shared/contracts/businesses.ts';
import type { ReturnedConversations } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { AgentInput } from '../../../shared/protocol/business-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { AgentPresences } from '../assignment/agent-presence.ts';
import { type Look, writePresence } from '../assignment/correct-agents.ts';
import { makeDue } from '../assignment/make-due.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { assertNotErased } from '../erasures/assert-not-erased.ts';
import type { ErasureSecret } from '../erasures/erasure-secret.ts';
import { returnRemoved } from '../inbox/return-removed.ts';
import { lockForChange } from './business-rights.ts';
import { readAgentsPage, selectAgent } from './list-agents.ts';

type Deps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  presences: AgentPresences;
  secret: ErasureSecret;
};
type Request<Op extends keyof BusinessCommands> = BusinessCommands[Op][0];

/**
 * `businesses.set_agents` makes exactly the named users agents. Those who were agents before keep
 * their status and when they were assigned something last; all others begin anew.
 */
export function setAgents(
  { db, ciphers, presences, secret }: Deps,
  { agents, ...of }: Request<'businesses.set_agents'>,
): Promise<BusinessChanges['businesses.set_agents'][1]> {
  const { business_id } = of;
  const userIds = agents.map(({ user_id }) => user_id);
  return db.transaction().execute(async (tx) => {
    await assertNotErased(tx, secret, userIds);
    await lockForChange(tx, of);
    await tx
      .selectFrom('business_agents')
      .select('user_id')
      .where('business_id', '=', business_id)
      .orderBy('user_id')
      .forUpdate()
      .execute();
    const gone = await tx
      .deleteFrom('business_agents')
      .where('business_id', '=', business_id)
      .where(sql<boolean>`user_id <> all(${userIds}::uuid[])`)
      .returning('user_id')
      .execute();
    await upsertAgents(tx, business_id, agents);
    const returned = await returnFrom(tx, { of, gone, ciphers });
    await noteAgents(tx, presences, { businessId: business_id, userIds });
    return { ...(await readAgentsPage(tx, of)), ...returned };
  });
}

/** `businesses.set_agent` adds an agent, or replaces role and capacity. CONFLICT: too many. */
export function setAgent(
  { db, presences, secret }: Omit<Deps, 'ciphers'>,
  { agent, ...of }: Request<'businesses.set_agent'>,
): Promise<AgentRecord> {
  const { business_id } = of;
  return db.transaction().execute(async (tx) => {
    await assertNotErased(tx, secret, [agent.user_id]);
    await lockForChange(tx, of);
    await upsertAgents(tx, business_id, [agent]);
    await noteAgents(tx, presences, { businessId: business_id, userIds: [agent.user_id] });
    const { count } = await tx
      .selectFrom('business_agents')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('business_id', '=', business_id)
      .executeTakeFirstOrThrow();
    if (count > LIMITS.agentsMax) {
      throw new KahaError('CONFLICT', `A business has at most ${LIMITS.agentsMax} agents`);
    }
    return (await selectAgent(tx, business_id, agent.user_id)) as AgentRecord;
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
  { db, ciphers }: Pick<Deps, 'db' | 'ciphers'>,
  { user_id, ...of }: Request<'businesses.remove_agent'>,
): Promise<BusinessChanges['businesses.remove_agent'][1]> {
  return db.transaction().execute(async (tx) => {
    await lockForChange(tx, of);
    const gone = await tx
      .deleteFrom('business_agents')
      .where('business_id', '=', of.business_id)
      .where('user_id', '=', user_id)
      .returning('user_id')
      .execute();
    // The transaction takes back a row that it has made for a business nobody knows.
    if (gone.length === 0) throw new KahaError('NOT_FOUND', 'The user is no agent');
    const returned = await returnFrom(tx, { of, gone, ciphers });
    await makeDue(tx, [of.business_id]);
    return { ...returned };
  });
}

type Removal = { of: OfBusiness; gone: readonly { user_id: UserId }[]; ciphers: ContentCiphers };

/** This comes before the inbox is locked by anything else, because it locks conversations. */
async function returnFrom(
  tx: Transaction<Database>,
  { of: { asker, business_id: businessId }, gone, ciphers }: Removal,
): Promise<{ returned?: ReturnedConversations }> {
  const removed = gone.map(({ user_id }) => user_id);
  const actorId = asker === 'service' ? undefined : asker;
  const returned = await returnRemoved(tx, { businessId, removed, actorId, ciphers });
  return returned === undefined ? {} : { returned };
}

/**
 * Writes the presence of agents whose rows this transaction has locked, and makes the business due.
 */
async function noteAgents(
  tx: Transaction<Database>,
  presences: AgentPresences,
  look: Look & { businessId: BusinessId },
): Promise<void> {
  await writePresence(tx, presences, look);
  await makeDue(tx, [look.businessId]);
}
