import { aptInstall, canInstall } from './apt.ts';
import { findOnPath } from './find-on-path.ts';

const PACKAGE = 'pgbouncer';
const WITHOUT =
  'Tests of a pooler before Postgres need PgBouncer, and are skipped without it. ' +
  `Install it (Debian: ${PACKAGE}).`;

/** Returns the path of PgBouncer, or undefined if this machine has none. */
export function findPgbouncer(): string | undefined {
  return findOnPath('pgbouncer');
}

/**
 * Installs PgBouncer where it is missing and packages can be installed. Returns what a person
 * should know of that, or undefined where PgBouncer is there.
 */
export function installPgbouncer(say: (line: string) => void): string | undefined {
  if (findPgbouncer() !== undefined) return undefined;
  if (!canInstall()) return WITHOUT;
  say('Installing PgBouncer …');
  try {
    aptInstall([PACKAGE]);
  } catch (error) {
    return `${WITHOUT}\n${(error as Error).message}`;
  }
  return findPgbouncer() === undefined ? WITHOUT : undefined;
}
