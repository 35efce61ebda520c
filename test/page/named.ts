import { namedBusinesses, namedUsers } from '../../dev/kaha/people.ts';
import type { Person, System } from '../stage/stack.ts';

/** Resolves with a person of the stand-in, who can also ask over REST. */
export async function personOf({ stack }: Pick<System, 'stack'>, name: string): Promise<Person> {
  const id = userIdOf(name);
  return { id, token: await stack.token(id) };
}

export function userIdOf(name: string): string {
  return idIn(namedUsers(), name);
}

export function businessIdOf(name: string): string {
  return idIn(namedBusinesses(), name);
}

function idIn(named: ReadonlyMap<string, { name: string }>, name: string): string {
  const [id] = [...named].find(([, one]) => one.name === name) ?? [];
  if (id === undefined) throw new Error(`The stand-in knows no ${name}`);
  return id;
}
