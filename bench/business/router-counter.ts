import { request } from 'undici';
import type { Target } from '../options/target.ts';

/** Resolves with a counter of all routers together. Throws if a router does not tell it. */
export async function readRouterCounter({ processes }: Target, name: string): Promise<number> {
  const routers = processes.filter(({ service }) => service === 'router');
  const counts = await Promise.all(
    routers.map(async ({ name: router, admin_port: port }) => {
      const { body } = await request(`http://127.0.0.1:${port}/metrics`);
      const lines = (await body.text()).split('\n').filter((line) => isOf(line, name));
      if (lines.length === 0) throw new Error(`${router} tells no ${name}`);
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function isOf(line: string, name: string): boolean {
  return line.startsWith(`${name}{`) || line.startsWith(`${name} `);
}
