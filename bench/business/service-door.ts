import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { boundedMap } from '../people/bounded-map.ts';

type Put = { path: string; body: object };

const IN_FLIGHT_PER_EDGE = 4;
const TRIES = 20;
/** Refusals with these statuses end by themselves. */
const RETRYABLE: readonly number[] = [429, 503, 504];
/** Other calls of this run wait for the same edge, so the next place is not at once this one's. */
const RETRY_S_MIN = 0.1;
const MS_PER_S = 1_000;

/**
 * Sets up businesses over REST as kaha-main-v3 does. The calls go to all edges in turns, since each
 * edge limits the rate of a service token.
 */
export async function putAsService(
  { edges, serviceToken }: { edges: readonly string[]; serviceToken: string },
  puts: readonly Put[],
): Promise<void> {
  const pools = edges.map((url) => new Pool(url, { connections: IN_FLIGHT_PER_EDGE }));
  try {
    await boundedMap(puts, pools.length * IN_FLIGHT_PER_EDGE, (put, index) =>
      putOne(pools[index % pools.length] as Pool, put, serviceToken),
    );
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

async function putOne(pool: Pool, { path, body }: Put, serviceToken: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const response = await pool.request({
      path: `/api/v1${path}`,
      method: 'PUT',
      headers: { authorization: `Bearer ${serviceToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode === 200) return;
    if (!RETRYABLE.includes(response.statusCode) || tries === TRIES) {
      throw new Error(`PUT ${path}: ${response.statusCode} ${text}`);
    }
    const { error } = JSON.parse(text) as { error?: { retry_after?: number } };
    const waitS = Math.max(error?.retry_after ?? 1, RETRY_S_MIN);
    await delay(waitS * MS_PER_S * (1 + Math.random()));
  }
}
