/**
 * Sends are tried again for this long after Postgres went. Then each is tried once, because a
 * conversation has one append at a time: sends that each waited for Postgres would wait for each
 * other too, beyond the 2 s within which a client is refused.
 */
const RETRIED_MS = 1_400;
/** A failure that comes later after the last one begins another outage. */
const GAP_MS = 5_000;

/** An outage knows for how long Postgres has been gone for one writer. All times are in ms. */
export class Outage {
  #since: number | undefined = undefined;
  #lastAt = 0;

  /** Postgres is gone. Returns whether a send may wait for it until `untilMs`. */
  mayWait(nowMs: number, untilMs: number): boolean {
    if (this.#since === undefined || nowMs - this.#lastAt > GAP_MS) this.#since = nowMs;
    this.#lastAt = nowMs;
    return untilMs - this.#since <= RETRIED_MS;
  }

  /** Postgres has written a batch. */
  end(): void {
    this.#since = undefined;
  }
}
