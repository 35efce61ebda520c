import type { UserId } from '../../../shared/ids.ts';

export type RecentPublish = { userId: UserId; seq: number };

/**
 * Remembers the last 65 536 publishes of this router, and overwrites the oldest. They tell which
 * users may be concerned if a server loses events that it had not written. A sequence number of 0
 * means that no answer came.
 */
export class RecentPublishes {
  readonly #capacity: number;
  readonly #userIds: (UserId | undefined)[];
  readonly #shards: Uint16Array;
  readonly #seqs: Float64Array;
  #next = 0;

  constructor(capacity = 65_536) {
    this.#capacity = capacity;
    this.#userIds = new Array(capacity).fill(undefined);
    this.#shards = new Uint16Array(capacity);
    this.#seqs = new Float64Array(capacity);
  }

  /** Notes a publish that begins. Returns its ticket for `answered`. */
  begin(userId: UserId, shard: number): number {
    const ticket = this.#next;
    const slot = ticket % this.#capacity;
    this.#userIds[slot] = userId;
    this.#shards[slot] = shard;
    this.#seqs[slot] = 0;
    this.#next += 1;
    return ticket;
  }

  answered(ticket: number, seq: number): void {
    if (ticket + this.#capacity >= this.#next) this.#seqs[ticket % this.#capacity] = seq;
  }

  of(shard: number): RecentPublish[] {
    const found: RecentPublish[] = [];
    const length = Math.min(this.#next, this.#capacity);
    for (let slot = 0; slot < length; slot += 1) {
      if (this.#shards[slot] !== shard) continue;
      found.push({ userId: this.#userIds[slot] as UserId, seq: this.#seqs[slot] ?? 0 });
    }
    return found;
  }
}
