const DELAY_MS_MIN = 500;
const DELAY_MS_MAX = 20_000;

/**
 * Returns how long to wait before the next attempt: any time from zero to a bound that doubles with
 * each attempt, from 0.5 s to 20 s. `random` is a number from 0 to 1. The first attempt waits too,
 * so that the clients of a server that died do not come back together.
 */
export function backoffMs(attempts: number, random: number): number {
  return random * Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** Math.min(attempts, 30));
}
