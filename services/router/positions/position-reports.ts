import { Gatherer } from '../../../shared/concurrency/gatherer.ts';
import type {
  DeliveredItem,
  PositionBatch,
  PositionItem,
} from '../../../shared/contracts/positions.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ParticipantKey, participantKey } from '../../../shared/ids.ts';
import type { RouterMetrics } from '../router-metrics.ts';

const INTERVAL_MS = 100;
const ITEMS_MAX = 1_000;
/**
 * At most this many positions wait or are on their way. A report beyond it is refused, and its edge
 * repeats it.
 */
const HELD_MAX = 100_000;

type Deps = {
  /** Publishes a batch. Resolves once the stream RECEIPTS has it. */
  publish: (batch: PositionBatch) => Promise<void>;
  metrics: RouterMetrics;
};

/**
 * Sends delivered positions to the stream from which store takes them. It keeps the highest
 * position of each conversation and user, and publishes every 100 ms messages of ≤ 1000 items. A
 * report is answered once the stream has all its positions. Until then its edge keeps the report,
 * and brings it to another router if this one dies.
 */
export class PositionReports {
  readonly #deps: Deps;
  readonly #gatherer: Gatherer<ParticipantKey, PositionItem>;

  constructor(deps: Deps) {
    this.#deps = deps;
    const limits = { waitMs: INTERVAL_MS, heldMax: HELD_MAX };
    this.#gatherer = new Gatherer(limits, (items) => this.#send(items));
  }

  get held(): number {
    return this.#gatherer.held;
  }

  /**
   * Resolves once the stream has all the items. Rejects with MESSAGING_UNAVAILABLE if too many
   * positions wait, or with the error of `publish`.
   */
  delivered(items: readonly DeliveredItem[]): Promise<void> {
    if (!this.#gatherer.hasRoomFor(items.length)) {
      this.#deps.metrics.positionsRefused.inc(items.length);
      return Promise.reject(new KahaError('MESSAGING_UNAVAILABLE', 'Too many positions wait'));
    }
    let written = Promise.resolve();
    for (const [conversationId, userId, seq, atMs] of items) {
      const key = participantKey(conversationId, userId);
      const known = this.#gatherer.get(key);
      const isKnown = known !== undefined && known[3] >= seq;
      const item: PositionItem = isKnown ? known : [conversationId, userId, 'delivered', seq, atMs];
      written = this.#gatherer.put(key, item);
    }
    return written;
  }

  /** Sends the positions that wait. */
  close(): Promise<void> {
    return this.#gatherer.close();
  }

  async #send(items: readonly PositionItem[]): Promise<void> {
    for (let from = 0; from < items.length; from += ITEMS_MAX) {
      await this.#deps.publish({ items: items.slice(from, from + ITEMS_MAX) });
    }
  }
}
