import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { programArgs } from '../../dev/processes/program.ts';
import { until } from '../../dev/testing/until.ts';
import type { ContentKey } from '../../services/store/content/content-keys.ts';
import { signalTree } from '../stage/process-tree.ts';

const DONE_MS = 60_000;

/** Stores with both keys are in the middle of a change from the first to the second. */
export const CONTENT_KEYS: readonly [ContentKey, ContentKey] = [
  { id: 'k1', key: randomBytes(32) },
  { id: 'k2', key: randomBytes(32) },
];

/** Returns the keys as the variable `CONTENT_KEYS` has them. */
export function toVariable(keys: readonly ContentKey[]): string {
  return keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join();
}

type Command = { args: readonly string[]; keys: readonly ContentKey[] };

/** Runs the commands for keys against one database. */
export class KeyCommands {
  readonly #databaseUrl: string;
  readonly #running = new Set<ChildProcess>();

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** Starts a command, and resolves once it tells its progress or has ended. */
  async begin(command: Command): Promise<void> {
    const child = this.#start(command);
    const { stderr } = child;
    if (stderr === null) throw new Error('the command has no stderr');
    await Promise.race([once(stderr, 'data'), once(child, 'exit')]);
  }

  /** Ends all that run by kill -9. */
  kill(): void {
    for (const { pid } of this.#running) if (pid !== undefined) signalTree(pid, 'SIGKILL');
  }

  /** Repeats a command until it has done everything. */
  async finish(command: Command): Promise<void> {
    const isDone = async (): Promise<boolean> => {
      const [status] = await once(this.#start(command), 'exit');
      return status === 0;
    };
    await until(command.args.join(' '), isDone, DONE_MS);
  }

  #start({ args, keys }: Command): ChildProcess {
    const env = { DATABASE_URL: this.#databaseUrl, CONTENT_KEYS: toVariable(keys) };
    const program = [...programArgs('services/store/keys-main.ts'), ...args];
    const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.resume();
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }
}
