/**
 * `offered` waits for the device's answer. `refused` goes to the queue, once every older event of
 * the line is taken or published. `publishing` is on its way to the queue. `done` has left the
 * line.
 */
export type ItemState = 'offered' | 'refused' | 'publishing' | 'done';
export type LineItem = { state: ItemState };

/** A line is kept for this long after the queue acknowledged its last event. */
export const KEPT_MS = 10_000;

/**
 * The events of one router for one device, in the order in which they came. It says what may be
 * offered and what may be published, and does neither.
 *
 *     offered ──`+`──────────────────────────────► done (taken)
 *       └─`-`, late, nobody there──► refused ──► publishing ──acknowledged──► done (queued)
 *                                                    └─────three tries─────► done (missed)
 *
 * An event is offered only if nothing of the line is on its way to the queue, so no offered event
 * stands behind a refused one when it comes. It is published only once every older event is taken
 * or published. So the events of a line reach the device in their order, but for a retry.
 */
export class DeviceLine<Item extends LineItem> {
  /** The items that are being published stand in front of all others. */
  readonly #items: Item[] = [];
  #offered = 0;
  #publishing = 0;
  #lastSeq = 0;
  #lastSeqAtMs = 0;

  get isIdle(): boolean {
    return this.#items.length === 0;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Adds an event, and says whether it is to be offered. Otherwise `nextDue` hands it out. */
  add(item: Item, mayOffer: boolean): boolean {
    const isOffered = mayOffer && this.#items.length === this.#offered;
    this.#items.push(item);
    item.state = isOffered ? 'offered' : 'refused';
    if (isOffered) this.#offered += 1;
    return isOffered;
  }

  /** The device has not taken the event. */
  refuse(item: Item): void {
    this.#offered -= 1;
    item.state = 'refused';
  }

  /**
   * Nobody was there for the event, so nobody answers the older offers either. Returns these, which
   * count as refused now.
   */
  refuseUpTo(item: Item): Item[] {
    const older: Item[] = [];
    for (const one of this.#items) {
      if (one === item) break;
      if (one.state === 'offered') older.push(one);
    }
    for (const one of older) this.refuse(one);
    this.refuse(item);
    return older;
  }

  /** Hands out the next event that may be published, which counts as publishing from now on. */
  nextDue(): Item | undefined {
    const item = this.#items[this.#publishing];
    if (item?.state !== 'refused') return undefined;
    item.state = 'publishing';
    this.#publishing += 1;
    return item;
  }

  /** The device or its queue has the event, or neither way has worked. */
  leave(item: Item): void {
    if (item.state === 'offered') this.#offered -= 1;
    if (item.state === 'publishing') this.#publishing -= 1;
    item.state = 'done';
    if (this.#items[0] === item) this.#items.shift();
    else this.#items.splice(this.#items.indexOf(item), 1);
  }

  /** The stream gave the event of this line the number `seq`. */
  acknowledged(seq: number, nowMs: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    this.#lastSeqAtMs = nowMs;
  }

  /**
   * Returns the highest number that the stream gave an event of this line, if it gave the last one
   * within 10 s, or else 0.
   */
  after(nowMs: number): number {
    return this.isKept(nowMs) ? this.#lastSeq : 0;
  }

  /** Tells whether the queue may not have sent the line's last event yet. */
  isKept(nowMs: number): boolean {
    return this.#lastSeq > 0 && nowMs - this.#lastSeqAtMs <= KEPT_MS;
  }

  /** A stream that came back may give lower numbers than before. */
  forgetSeq(): void {
    this.#lastSeq = 0;
  }
}
