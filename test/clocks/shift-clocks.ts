import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import type { StackOptions } from '../../dev/stack/stack.ts';
import { until } from '../../dev/testing/until.ts';
import type { System } from '../stage/stack.ts';

const PRELOAD = pathToFileURL(join('test', 'clocks', 'shifted-clock.mjs')).href;

/** The clock of each process is ahead by so many milliseconds, or behind. */
type Clocks = Record<string, number>;

/**
 * Gives the services of a stack clocks of their own, see `shifted-clock.mjs`. `ahead` names every
 * process of these services.
 */
export function shiftClocks(t: Pick<Test, 'teardown'>, ahead: Clocks) {
  const dir = mkdtempSync(join(tmpdir(), 'kaha-clocks-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const clocks = { ...ahead };
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
  for (const [name, ms] of Object.entries(ahead)) write(name, String(ms));
  const own = { NODE_OPTIONS: `--import=${PRELOAD}`, CLOCKS_DIR: dir };
  const services = Object.keys(ahead).map((name) => name.replace(/-\d+$/, ''));
  const env = Object.fromEntries(services.map((service) => [service, own]));
  const tell = async (system: System, name: string, text: string): Promise<void> => {
    write(name, text);
    system.signal(name, 'SIGUSR2');
    await until(`${name} does as it is told`, () => {
      return readFileSync(join(dir, `${name}.set`), 'utf8') === text;
    });
  };
  return {
    env: env as NonNullable<StackOptions['env']>,
    /** Sets the clock of a process, as NTP might. Resolves once it shows that time. */
    set(system: System, name: string, ms: number): Promise<void> {
      clocks[name] = ms;
      return tell(system, name, String(ms));
    },
    /** Stops a process amid its work for so long. Resolves once it stands. */
    stop(system: System, name: string, forMs: number): Promise<void> {
      return tell(system, name, `${clocks[name]} ${forMs}`);
    },
  };
}
