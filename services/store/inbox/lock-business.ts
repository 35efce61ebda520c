import { type Selectable, sql, type Transaction } from 'kysely';
import type { AgentRecord } from '../../../shared/contracts/businesses.ts';
import type { StepCommand } from '../../../shared/contracts/conversations.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import { isAvailable } from '../assignment/availability.ts';
import { toSettings } from '../businesses/settings-row.ts';
import type { Database } from '../database/schema.ts';

/** A step is judged by this of its business. */
export type LockedBusiness = {
  settings: BusinessSettings;
  /** The caller is no agent without a role. */
  role: AgentRecord['role'] | undefined;
  /** This agent is to get the conversation, or to lose it because they are away. */
  agent: LockedAgent | undefined;
};
export type LockedAgent = Selectable<Database['business_agents']> & {
  is_available: boolean;
  /** `open` counts the conversations that the agent has. */
  open: number;
};

/**
 * A step locks the business, and then the agent whom it concerns, before it locks the conversation.
 * Everybody locks in this order: business, agents by user id, conversations by id, participants by
 * user id, inbox. Who changes agents locks the business for update, so who is an agent, and in
 * which role, stays as it is until the step is committed. Each assignment locks its agent, so no
 * two assignments take the agent's last place.
 *
 * The result is undefined if there is no such conversation, or it belongs to no business, or to one
 * of which nothing is set. A conversation belongs to the same business for ever, so it need not be
 * locked to find that.
 */
export async function lockBusiness(
  tx: Transaction<Database>,
  command: StepCommand,
): Promise<LockedBusiness | undefined> {
  const row = await tx
    .selectFrom('conversations as c')
    .innerJoin('businesses as b', 'b.business_id', 'c.business_id')
    .selectAll('b')
    .where('c.conversation_id', '=', command.conversation_id)
    .forShare('b')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { business_id: businessId } = row;
  const { agentId, callerId } = namedBy(command);
  const agent = agentId && (await lockAgent(tx, businessId, agentId));
  const isOwn = agentId === callerId;
  const role = isOwn ? agent?.role : callerId && (await readRole(tx, businessId, callerId));
  return { settings: toSettings(row), role, agent };
}

/** Counts the conversations that an agent has, and may have. */
export function placesOf(
  { capacity }: BusinessSettings,
  agent: LockedAgent,
): { capacity: number; open: number } {
  return { capacity: agent.capacity ?? capacity, open: agent.open };
}

/** A caller who names nobody is to get the conversation. Automatic steps have no caller. */
function namedBy(command: StepCommand): { agentId?: UserId; callerId?: UserId } {
  const { user_id: callerId } = command;
  switch (command.op) {
    case 'conversations.assign':
      return { agentId: command.agent_id ?? callerId, callerId };
    case 'conversations.assign_waiting':
    case 'conversations.return':
      return { agentId: command.agent_id };
    default:
      return { callerId };
  }
}

async function lockAgent(
  tx: Transaction<Database>,
  businessId: BusinessId,
  userId: UserId,
): Promise<LockedAgent | undefined> {
  const { rows } = await sql<Omit<LockedAgent, 'open'>>`
    select a.*, ${isAvailable} as is_available
    from business_agents a join businesses b using (business_id)
    where a.business_id = ${businessId} and a.user_id = ${userId}
    for no key update of a`.execute(tx);
  const [agent] = rows;
  if (agent === undefined) return undefined;
  // This statement begins after the lock is held, so it sees every assignment that was committed.
  const { open } = await tx
    .selectFrom('conversations')
    .select(({ fn }) => fn.countAll<number>().as('open'))
    .where('business_id', '=', businessId)
    .where('state', '=', 'assigned')
    .where('assignee_id', '=', userId)
    .executeTakeFirstOrThrow();
  return { ...agent, open };
}

async function readRole(tx: Transaction<Database>, businessId: BusinessId, userId: UserId) {
  const row = await tx
    .selectFrom('business_agents')
    .select('role')
    .where('business_id', '=', businessId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row?.role;
}
