import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, stop, untilReady } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findProgram, installMissing } from '../servers/binaries.ts';
import { planPostgres, planRestored, wipePostgres } from '../servers/postgres-server.ts';

type BackedUpPostgres = {
  url: string;
  /** Makes a base backup of the database as it is now. */
  backUp(): void;
  /** The database is again as it was when it was backed up, at the same URL. */
  restore(): Promise<void>;
  stop(): Promise<void>;
};

const READY_MS = 30_000;

/** Starts a Postgres that can be restored from a base backup. It ends with this process. */
export async function startBackedUpPostgres(): Promise<BackedUpPostgres> {
  installMissing(['postgres']);
  const program = findProgram('postgres') as string;
  const [port] = (await freePorts(1)) as [number];
  const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'kaha-postgres-')));
  const planOf = (index: 0 | 1) => {
    const dataDir = dirs[index] as string;
    return { program, dataDir, port, log: join(dataDir, 'pg.log'), survivesPowerCut: false };
  };
  const { spec, url } = planPostgres(planOf(0));
  let running = launch(spec, { bound: true });
  await untilReady(running, READY_MS);
  let backup: ReturnType<typeof planRestored> | undefined;
  return {
    url,
    backUp() {
      backup = planRestored({ ...planOf(1), primaryUrl: url });
    },
    async restore() {
      if (backup === undefined) throw new Error('there is no backup');
      await stop(running);
      running = launch(backup.spec, { bound: true });
      await untilReady(running, READY_MS);
    },
    async stop() {
      await stop(running);
      for (const dir of dirs) {
        wipePostgres(dir);
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}
