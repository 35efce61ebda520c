import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Calls `find` every 20 ms until it gives something other than undefined or false, and resolves
 * with that. Rejects after `waitMs` with an error that says `what` the test waited for.
 */
export async function until<T>(
  what: string,
  find: () => Promise<T | undefined | false> | T | undefined | false,
  waitMs = 15_000,
): Promise<T> {
  const endsAt = Date.now() + waitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > endsAt) throw new Error(`${what}: not within ${waitMs} ms`);
    await delay(POLL_MS);
  }
}
