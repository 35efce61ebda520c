import type { WorksFor } from './identity.ts';

export type Person = { user_id: string; name: string; works_for: readonly WorksFor[] };
type Business = { business_id: string; name: string };

/** The people and businesses that the login server knows by name. */
export type Directory = { people: readonly Person[]; businesses: readonly Business[] };

const NOBODY: Directory = { people: [], businesses: [] };

/** Asks the login server whom it knows. Without one, or if it does not answer, nobody is known. */
export async function loadDirectory(loginUrl: string | undefined): Promise<Directory> {
  if (loginUrl === undefined) return NOBODY;
  try {
    const answer = await fetch(`${loginUrl}/_dev/people`);
    return answer.ok ? ((await answer.json()) as Directory) : NOBODY;
  } catch (error) {
    reportError(error);
    return NOBODY;
  }
}

/** Asks the login server for a token of a person. */
export async function fetchToken(loginUrl: string, userId: string): Promise<string> {
  const answer = await fetch(`${loginUrl}/_dev/token`, {
    method: 'POST',
    body: JSON.stringify({ user_id: userId }),
  });
  if (!answer.ok) throw new Error(`The login server answered ${answer.status}`);
  return ((await answer.json()) as { token: string }).token;
}
