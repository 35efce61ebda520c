/** What one append may carry; the payload limit of NATS is 1 MiB. */
const BATCH_ITEMS_MAX = 64;
export const BATCH_BYTES_MAX = 512 * 1024;
/** What may wait for one conversation: four appends' worth. */
export const MAILBOX_ITEMS_MAX = 256;
export const MAILBOX_BYTES_MAX = 2 * 1024 * 1024;

export type Letter = {
  /** Size as JSON, bytes. */
  bytes: number;
  /** Epoch ms at which its sender stops waiting. */
  deadlineAt: number;
  /** Not to be taken together with others. */
  isAlone?: boolean;
};

type Taken<Item> = { batch: Item[]; expired: Item[] };

/** What waits for one conversation, in order of arrival, bounded. */
export class Mailbox<Item extends Letter> {
  #letters: Item[] = [];
  #bytes = 0;

  get size(): number {
    return this.#letters.length;
  }

  /** False where it is full: the letter was not taken. */
  put(letter: Item): boolean {
    const { length } = this.#letters;
    if (length >= MAILBOX_ITEMS_MAX) return false;
    if (length > 0 && this.#bytes + letter.bytes > MAILBOX_BYTES_MAX) return false;
    this.#letters.push(letter);
    this.#bytes += letter.bytes;
    return true;
  }

  /**
   * The next append: the first as they came, within its limits; or one letter that wants to be
   * alone. What came too late goes apart.
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
