import { newId } from '../../shared/ids.ts';
import type { Person, RestAnswer, System } from './stack.ts';

type Staff = { managers?: readonly Person[]; agents?: readonly Person[] };

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
