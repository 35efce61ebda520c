import type { BusinessId, UserId } from '../../shared/ids.ts';
import { type Place, userIdOf } from '../people/crowd.ts';

type PeopleOptions = {
  businesses: number;
  agents: number;
  customers: number;
  seed: string;
  edges: number;
};

/** The list of people has all agents first, and then all customers. */
export type BusinessPeople = { businessIds: BusinessId[]; places: Place[]; agents: number };

const DEVICE = 'bench-1';

/**
 * Returns businesses, their agents and their customers. The same seed gives the same ones, so that
 * their device queues are used again. Agent number a works for business `businessOf(a)`.
 */
export function peopleOf(options: PeopleOptions): BusinessPeople {
  const { businesses, agents, customers, seed, edges } = options;
  const businessIds = Array.from({ length: businesses }, (_, index) => {
    return userIdOf(`${seed}:business`, index) as string as BusinessId;
  });
  const places = Array.from({ length: agents + customers }, (_, index): Place => {
    const isAgent = index < agents;
    const userId = isAgent
      ? userIdOf(`${seed}:agent`, index)
      : userIdOf(`${seed}:customer`, index - agents);
    return { index, userId, deviceId: DEVICE, edge: index % edges, conversation: -1, slot: -1 };
  });
  return { businessIds, places, agents };
}

/** Returns the number of the business for which an agent works. */
export function businessOf(agent: number, { businessIds }: BusinessPeople): number {
  return agent % businessIds.length;
}

/** Returns the numbers of the agents of a business. The first one is its manager. */
export function agentsOf(business: number, { businessIds, agents }: BusinessPeople): number[] {
  const numbers: number[] = [];
  for (let agent = business; agent < agents; agent += businessIds.length) numbers.push(agent);
  return numbers;
}

type AgentListItem = { user_id: UserId; role: 'agent' | 'manager'; capacity: number };

/** Returns the agents of a business as they are registered. */
export function agentListOf(
  business: number,
  people: BusinessPeople,
  capacity: number,
): AgentListItem[] {
  return agentsOf(business, people).map((agent, index) => ({
    user_id: people.places[agent]?.userId as UserId,
    role: index === 0 ? 'manager' : 'agent',
    capacity,
  }));
}
