/** A real chat has this many reads for each message that somebody sends. */
export const READS_PER_MESSAGE = 1.2;
export const TYPINGS_PER_MESSAGE = 0.6;
export const PRESENCE_CHANGES_PER_MESSAGE = 0.2;
/**
 * An edge tells others that a person is offline 5 s after the person's last socket has closed. A
 * person therefore stays away for longer than that, and then stays online for as long again.
 */
export const AWAY_MS = 7_000;
export const CYCLE_MS = 2 * AWAY_MS;

/**
 * Returns how many conversations the mix needs in which one person comes and goes, at this rate.
 */
export function flickersFor(ratePerS: number): number {
  return Math.ceil((ratePerS * PRESENCE_CHANGES_PER_MESSAGE * CYCLE_MS) / 2 / 1_000);
}
