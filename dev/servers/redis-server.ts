import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ProcessSpec } from '../processes/child.ts';

type RedisPlan = { program: string; dataDir: string; log: string; port: number };

/** Plans a private Redis without persistence, because all that it holds is a cache. */
export function planRedis(plan: RedisPlan): { spec: ProcessSpec; url: string } {
  const dir = resolve(join(plan.dataDir, 'redis'));
  mkdirSync(dir, { recursive: true });
  const options = { bind: '127.0.0.1', port: String(plan.port), dir, save: '', appendonly: 'no' };
  const spec: ProcessSpec = {
    name: 'redis',
    service: 'redis',
    command: plan.program,
    args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    env: {},
    port: plan.port,
    log: plan.log,
    ready: { port: plan.port },
  };
  return { spec, url: `redis://127.0.0.1:${plan.port}` };
}
