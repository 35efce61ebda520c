import type { AgentRecord } from '../../../shared/contracts/businesses.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { AgentStatus } from '../../../shared/protocol/business-requests.ts';
import type { AgentShape } from '../../../shared/protocol/business-shapes.ts';
import type { Presence } from './presence.ts';

/**
 * Adds to agents whether they are available: they say so themselves, and they are online now.
 * Whoever left an edge still counts as online for the 5 s in which they may come back. The longer
 * time that a business grants its agents, `offline_grace_s`, is not counted here: it begins with
 * assignment, which needs a stored time for it. Where nobody knows who is online, only what the
 * agents say counts, because a Redis that is away says nothing of them.
 */
export async function showAgents(
  presence: Presence,
  agents: readonly AgentRecord[],
): Promise<AgentShape[]> {
  const willing = agents.filter(({ status }) => status === 'available');
  const known = await presence.ofUsers(willing.map(({ user_id }) => user_id));
  return agents.map((agent) => {
    const isHere = known.get(agent.user_id)?.status !== 'offline';
    return { ...agent, is_available: agent.status === 'available' && isHere };
  });
}

export async function showAgent(presence: Presence, agent: AgentRecord): Promise<AgentShape> {
  const [shown] = await showAgents(presence, [agent]);
  return shown as AgentShape;
}

export async function isAvailable(
  presence: Presence,
  userId: UserId,
  status: AgentStatus,
): Promise<boolean> {
  if (status !== 'available') return false;
  return (await presence.ofUsers([userId])).get(userId)?.status !== 'offline';
}
