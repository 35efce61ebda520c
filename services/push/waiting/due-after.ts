/** A device gets a push so long after the message was sent. */
const WAIT_MS = 5_000;

/** A message that was told late waits a moment, so that the takes beside it are known too. */
const SETTLE_MS = 2_000;
const LATE_MS = 4_000;
/**
 * NATS brings a batch again 30 s after its reader died, and some that the reader had called in work
 * up to 10 s later. Until then, nobody knows all late takes that belong to the message.
 */
const OLD_MS = 20_000;
const OLD_SETTLE_MS = 12_000;
const UNTOLD_SETTLE_MS = 45_000;

/**
 * Returns how long a message waits from when it was heard of. `ageMs` is how long ago it was sent
 * by then, and is judged by the clocks of two hosts. If store told of it after a gap of the feed,
 * nobody has said who took it yet, and the feed is given the time to bring it again.
 */
export function dueAfter(ageMs: number, isTold: boolean): number {
  if (!isTold) return UNTOLD_SETTLE_MS;
  if (ageMs >= OLD_MS) return OLD_SETTLE_MS;
  return ageMs >= LATE_MS ? SETTLE_MS : WAIT_MS - Math.max(ageMs, 0);
}
