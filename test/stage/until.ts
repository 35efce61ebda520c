import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;

/**
 * Calls `find` again and again until it gives something other than undefined or false. Rejects with
 * `what` after `waitMs`.
 */
export async function until<T>(
  what: string,
  find: () => Promise<T | undefined | false> | T | undefined | false,
  waitMs = 15_000,
): Promise<T> {
  const end = Date.now() + waitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${waitMs} ms`);
    await delay(POLL_MS);
  }
}
