import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;

/** Looks again and again until there is something else than undefined or false. */
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
