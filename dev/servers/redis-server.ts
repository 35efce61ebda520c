import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ProcessSpec } from '../processes/child.ts';

type RedisPlan = {
  program: string;
  dataDir: string;
  log: string;
  port: number;
  /** The server is a node of a cluster, and its nodes talk on this port. */
  clusterPort?: number;
};

/** Plans a private Redis without persistence, because all that it holds is a cache. */
export function planRedis(plan: RedisPlan): { spec: ProcessSpec; url: string } {
  const dir = resolve(join(plan.dataDir, 'redis'));
  mkdirSync(dir, { recursive: true });
  const options = { bind: '127.0.0.1', port: String(plan.port), dir, save: '', appendonly: 'no' };
  const cluster = plan.clusterPort && {
    'cluster-enabled': 'yes',
    'cluster-port': String(plan.clusterPort),
  };
  const settings = { ...options, ...cluster };
  const spec: ProcessSpec = {
    name: 'redis',
    service: 'redis',
    command: plan.program,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: {},
    port: plan.port,
    log: plan.log,
    ready: { port: plan.port },
  };
  return { spec, url: `redis://127.0.0.1:${plan.port}` };
}
