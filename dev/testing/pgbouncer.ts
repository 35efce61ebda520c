import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { launch, stop, untilReady } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findPgbouncer } from '../programs/pgbouncer.ts';
import { planPgbouncer } from '../servers/pgbouncer-server.ts';

export const WITHOUT_PGBOUNCER = 'there is no PgBouncer on this machine';
const READY_MS = 20_000;

/**
 * Starts a PgBouncer in transaction mode before the database, for one test file. The result is the
 * URL that leads through it, or undefined where there is no PgBouncer.
 */
export async function setPgbouncer(
  t: Pick<Test, 'teardown'>,
  databaseUrl: string,
): Promise<string | undefined> {
  const program = findPgbouncer();
  if (program === undefined) return undefined;
  const dir = mkdtempSync(join(tmpdir(), 'kaha-pgbouncer-'));
  const [port] = (await freePorts(1)) as [number];
  const { spec, url } = planPgbouncer({ program, dir, port, databaseUrl });
  const running = launch(spec, { bound: true });
  t.teardown(async () => {
    await stop(running);
    rmSync(dir, { recursive: true, force: true });
  });
  await untilReady(running, READY_MS);
  return url;
}
