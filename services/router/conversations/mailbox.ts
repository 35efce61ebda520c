/** One append carries at most this many items and bytes. The payload limit of NATS is 1 MiB. */
const BATCH_ITEMS_MAX = 64;
export const BATCH_BYTES_MAX = 512 * 1024;
/** At most this many items and bytes wait for one conversation. They fill four appends. */
export const MAILBOX_ITEMS_MAX = 256;
export const MAILBOX_BYTES_MAX = 2 * 1024 * 1024;

export type Letter = {
  /** The letter takes this many bytes as JSON. */
  bytes: number;
  /** The sender stops waiting at this time, by `steadyMs`. */
  deadlineAt: number;
  /** If this is true, the mailbox hands the letter out alone. */
  isAlone?: boolean;
};

type Taken<Item> = { batch: Item[]; expired: Item[] };

/** Holds the sends and changes that wait for one conversation, in order of arrival and bounded. */
export class Mailbox<Item extends Letter> {
  #letters: Item[] = [];
  #bytes = 0;

  get size(): number {
    return this.#letters.length;
  }

  /** Takes a letter. Returns false if the mailbox is full and did not take it. */
  put(letter: Item): boolean {
    const { length } = this.#letters;
    if (length >= MAILBOX_ITEMS_MAX) return false;
    if (length > 0 && this.#bytes + letter.bytes > MAILBOX_BYTES_MAX) return false;
    this.#letters.push(letter);
    this.#bytes += letter.bytes;
    return true;
  }

  /**
   * Takes the next batch: the first letters within the limits of an append, or one letter that is
   * alone. Letters whose deadline is over are returned apart.
   */
  take(now: number): Taken<Item> {
    const batch: Item[] = [];
    const expired: Item[] = [];
    let bytes = 0;
    let taken = 0;
    for (const letter of this.#letters) {
      if (letter.deadlineAt <= now) {
        expired.push(letter);
      } else {
        if (batch.length > 0 && (letter.isAlone === true || batch[0]?.isAlone === true)) break;
        const full = batch.length >= BATCH_ITEMS_MAX || bytes + letter.bytes > BATCH_BYTES_MAX;
        if (full && batch.length > 0) break;
        batch.push(letter);
        bytes += letter.bytes;
      }
      taken += 1;
      this.#bytes -= letter.bytes;
    }
    this.#letters = taken === this.#letters.length ? [] : this.#letters.slice(taken);
    return { batch, expired };
  }
}
