import { isUuidV4 } from '../../shared/ids.ts';
import { namedBusinesses, namedUsers } from '../kaha/people.ts';

type Named = { id: string; name: string };

/** Returns the id of a user. Throws if `text` is neither a UUID nor the name of one person. */
export function userIdOf(text: string): string {
  return idOf(text, [...namedUsers().values()]);
}

/** Returns the id of a business. Throws if `text` is neither a UUID nor the name of one. */
export function businessIdOf(text: string): string {
  return idOf(text, [...namedBusinesses().values()]);
}

/** Returns the name by which the stand-in knows a user, or else the first part of the id. */
export function shownUser(id: string): string {
  return namedUsers().get(id)?.name ?? (id.split('-')[0] as string);
}

/** Finds an id by how the name begins, in capitals or not. */
function idOf(text: string, named: readonly Named[]): string {
  if (isUuidV4(text)) return text;
  const wanted = text.toLowerCase();
  const found = named.filter(({ name }) => wanted !== '' && name.toLowerCase().startsWith(wanted));
  if (found.length === 1) return (found[0] as Named).id;
  const names = named.map(({ name }) => name).join(', ');
  throw new Error(`"${text}" is neither a lower-case UUID v4 nor one of ${names}.`);
}
