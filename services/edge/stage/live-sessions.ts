import { until } from '../../../dev/testing/until.ts';

/**
 * Resolves once all open sessions of the edge take offers, but for `except` of them, which is 0
 * where it is left out.
 */
export async function untilLive({ adminPort }: { adminPort: number }, except = 0): Promise<void> {
  await until('the sessions take offers', async () => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return readGauge(text, 'sessions_live') === readGauge(text, 'connections') - except;
  });
}

function readGauge(metrics: string, gauge: string): number {
  return Number(new RegExp(`^kaha_edge_${gauge}\\{.*\\} (\\d+)$`, 'm').exec(metrics)?.[1]);
}
