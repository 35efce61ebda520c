import { Redis } from 'ioredis';
import { until } from '../../dev/testing/until.ts';
import { newId } from '../../shared/ids.ts';
import { readPresence } from '../../shared/presence/read-presence.ts';
import type { Person, RestAnswer, System } from './stack.ts';

type Staff = { managers?: readonly Person[]; agents?: readonly Person[] };

/** A business with these settings gives nothing out by itself. */
export const NEVER_OPEN = { time_zone: 'UTC', hours: {} };

/**
 * Asks as a service, which has a token of its own. `what` is the method and the path below
 * `/api/v1`, as `GET /businesses/…`.
 */
export function askAsService(system: System, what: string, body?: unknown): Promise<RestAnswer> {
  const [method, path] = what.split(' ') as [string, string];
  return system.rest(method, `/api/v1${path}`, { token: system.stack.serviceToken, body });
}

/** Resolves with a business of these managers and agents, of which kaha-main-v3 knows nothing. */
export async function makeBusiness(
  system: System,
  { managers = [], agents = [] }: Staff,
): Promise<string> {
  const id = newId<string>();
  system.canaries.add(id);
  const list = [
    ...managers.map((person) => ({ user_id: person.id, role: 'manager' })),
    ...agents.map((person) => ({ user_id: person.id })),
  ];
  const answer = await askAsService(system, `PUT /businesses/${id}/agents`, { agents: list });
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return id;
}

/**
 * Resolves once Redis knows who is offline, some seconds after the first edge has started. Before,
 * every agent counts as online who says that they are available.
 */
export async function untilPresenceIsKnown({ stack }: System): Promise<void> {
  const redis = new Redis(stack.urls.redis);
  try {
    const isKnown = async () => (await readPresence(redis, [])).known === 'all';
    await until('presence is known', isKnown);
  } finally {
    redis.disconnect();
  }
}
