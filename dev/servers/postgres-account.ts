import { readFileSync } from 'node:fs';
import { SETPRIV } from '../processes/child.ts';

export type Account = { name: string; uid: number; gid: number };

/**
 * Returns the account that Postgres runs as, or undefined if this process is not root and Postgres
 * runs as the same user.
 */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === 'postgres') return { name, uid: Number(uid), gid: Number(gid) };
  }
  return { name: 'nobody', uid: 65534, gid: 65534 };
}

export function asAccount(account: Account | undefined): string[] {
  if (account === undefined) return [];
  return [SETPRIV, `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--'];
}
