/** The events of a list wait for names, or for a reader that is behind. */
type WaitsFor = 'names' | 'reader';
type Waiting<Owner> = { readonly owner: Owner; bytes: number; waitsFor: WaitsFor };

/**
 * Counts the bytes of the events that wait at the edge. Those of one owner are a list, and all of
 * them wait for the same thing.
 */
export class HeldBytes<List, Owner> {
  readonly #waiting = new Map<List, Waiting<Owner>>();
  readonly #sums = { names: 0, reader: 0 };

  get all(): number {
    return this.#sums.names + this.#sums.reader;
  }

  /** Returns the bytes of all events that wait for this. */
  sum(waitsFor: WaitsFor): number {
    return this.#sums[waitsFor];
  }

  waitsFor(list: List): WaitsFor | undefined {
    return this.#waiting.get(list)?.waitsFor;
  }

  /** An event of so many bytes joins the owner's list. A new list waits for names. */
  add(list: List, owner: Owner, bytes: number): void {
    const waiting = this.#waiting.get(list) ?? { owner, bytes: 0, waitsFor: 'names' };
    this.#waiting.set(list, waiting);
    this.#change(waiting, bytes);
  }

  /** An event of so many bytes has left the list. */
  take(list: List, bytes: number): void {
    const waiting = this.#waiting.get(list);
    if (waiting !== undefined) this.#change(waiting, -bytes);
  }

  /** All events of the list wait for this from now on. */
  turnTo(list: List, waitsFor: WaitsFor): void {
    const waiting = this.#waiting.get(list);
    if (waiting === undefined) return;
    const { bytes } = waiting;
    this.#change(waiting, -bytes);
    waiting.waitsFor = waitsFor;
    this.#change(waiting, bytes);
  }

  /** The list counts no more, whatever is left of it. */
  drop(list: List): void {
    const waiting = this.#waiting.get(list);
    if (waiting === undefined) return;
    this.#change(waiting, -waiting.bytes);
    this.#waiting.delete(list);
  }

  /** Drops the list with the most bytes of those that wait for readers, and returns its owner. */
  dropLongest(): Owner | undefined {
    let longest: List | undefined;
    let most: Waiting<Owner> | undefined;
    for (const [list, waiting] of this.#waiting) {
      if (waiting.waitsFor !== 'reader' || waiting.bytes <= (most?.bytes ?? 0)) continue;
      longest = list;
      most = waiting;
    }
    if (longest !== undefined) this.drop(longest);
    return most?.owner;
  }

  #change(waiting: Waiting<Owner>, bytes: number): void {
    waiting.bytes += bytes;
    this.#sums[waiting.waitsFor] += bytes;
  }
}
