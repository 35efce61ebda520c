import type { System } from './stack.ts';

/**
 * Resolves with a counter or gauge of some processes, summed over their labels. A process that does
 * not answer counts as 0.
 */
export async function readMetric(
  { stack }: System,
  name: string,
  of: (process: string) => boolean,
): Promise<number> {
  const processes = stack.processes.filter((one) => of(one.name));
  const values = await Promise.all(
    processes.map(async ({ admin_port: port }) => {
      const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
        (response) => response.text(),
        () => '',
      );
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    }),
  );
  return values.reduce((sum, value) => sum + value, 0);
}
