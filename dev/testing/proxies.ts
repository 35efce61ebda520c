import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  launch,
  type ProcessSpec,
  type RunningProcess,
  sendSignal,
  stop,
  untilReady,
} from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findProxies } from '../programs/proxies.ts';
import {
  type EdgePlace,
  type ProxyPlan,
  planHaproxy,
  planNginx,
} from '../servers/proxy-servers.ts';

export const WITHOUT_PROXIES = 'there is no nginx or no HAProxy on this machine';
const READY_MS = 20_000;

export type EdgeProxy = {
  name: 'nginx' | 'haproxy';
  port: number;
  /** Returns the processes that serve the connections. Each reload begins new ones. */
  workers(): number[];
  /** Has the proxy read its settings again, as an operator does. */
  reload(): void;
  /** nginx writes its errors and warnings to a file of its own. */
  errors(): string;
};

type ProxySettings = {
  edges: readonly EdgePlace[];
  /** Other values take the place of some in the documented settings, by proxy. */
  changes?: Partial<Record<EdgeProxy['name'], Record<string, string>>>;
};

const PLANS = { nginx: planNginx, haproxy: planHaproxy } satisfies Record<
  EdgeProxy['name'],
  (plan: ProxyPlan) => ProcessSpec
>;

/**
 * Starts an nginx and an HAProxy before the edges, each with its documented settings. They end with
 * the test. The result is undefined on a machine that lacks one of them.
 */
export async function setProxies(
  t: Pick<Test, 'teardown'>,
  settings: ProxySettings,
): Promise<EdgeProxy[] | undefined> {
  const programs = findProxies();
  if (programs === undefined) return undefined;
  const root = mkdtempSync(join(tmpdir(), 'kaha-proxies-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  return Promise.all(
    (['nginx', 'haproxy'] as const).map(async (name) => {
      const [port] = (await freePorts(1)) as [number];
      const dir = join(root, name);
      const changes = settings.changes?.[name] ?? {};
      const spec = PLANS[name]({ ...settings, program: programs[name], dir, port, changes });
      const running = launch(spec, { bound: true });
      t.teardown(() => stop(running));
      await untilReady(running, READY_MS);
      return proxyOf(name, { running, dir, port });
    }),
  );
}

type Running = { running: RunningProcess; dir: string; port: number };

function proxyOf(name: EdgeProxy['name'], { running, dir, port }: Running): EdgeProxy {
  const log = name === 'nginx' ? join(dir, 'error.log') : running.log;
  return {
    ...{ name, port },
    workers: () => childrenOf(running.pid),
    reload() {
      if (name === 'haproxy') sendSignal(running, 'SIGUSR2');
      else execFileSync(running.command, [...running.args, '-s', 'reload']);
    },
    errors: () => readFileSync(log, 'utf8'),
  };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}
