import type {
  DeliveredItem,
  ReceiptBatch,
  ReceiptItem,
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
  publish: (batch: ReceiptBatch) => Promise<void>;
  metrics: RouterMetrics;
};
type Batch = { highest: Map<ParticipantKey, ReceiptItem>; done: Promise<void> };

/**
 * Sends delivered positions to the stream from which store takes them. It keeps the highest
 * position of each conversation and user, and publishes every 100 ms messages of ≤ 1000 items. A
 * report is answered once the stream has all its positions. Until then its edge keeps the report,
 * and brings it to another router if this one dies.
 */
export class Receipts {
  readonly #deps: Deps;
  readonly #sending = new Set<Promise<void>>();
  #batch: Batch | undefined;
  #flush: () => void = () => undefined;
  #held = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get held(): number {
    return this.#held;
  }

  /**
   * Resolves once the stream has all the items. Rejects with MESSAGING_UNAVAILABLE if too many
   * positions wait, or with the error of `publish`.
   */
  delivered(items: readonly DeliveredItem[]): Promise<void> {
    if (this.#held + items.length > HELD_MAX) {
      this.#deps.metrics.receiptsDropped.inc(items.length);
      return Promise.reject(new KahaError('MESSAGING_UNAVAILABLE', 'Too many positions wait'));
    }
    this.#batch ??= this.#open();
    const { highest, done } = this.#batch;
    for (const [conversationId, userId, seq, atMs] of items) {
      const key = participantKey(conversationId, userId);
      const known = highest.get(key);
      if (known === undefined) this.#held += 1;
      if (known === undefined || known[3] < seq) {
        highest.set(key, [conversationId, userId, 'delivered', seq, atMs]);
      }
    }
    return done;
  }

  /** Sends the positions that wait. */
  async close(): Promise<void> {
    this.#flush();
    await Promise.allSettled(this.#sending);
  }

  #open(): Batch {
    const highest = new Map<ParticipantKey, ReceiptItem>();
    const due = new Promise<void>((resolve) => {
      this.#flush = resolve;
    });
    const timer = setTimeout(this.#flush, INTERVAL_MS);
    const done = due.then(() => {
      clearTimeout(timer);
      this.#batch = undefined;
      return this.#send([...highest.values()]);
    });
    this.#sending.add(done);
    const settled = (): void => {
      this.#sending.delete(done);
      this.#held -= highest.size;
    };
    done.then(settled, settled);
    return { highest, done };
  }

  async #send(items: readonly ReceiptItem[]): Promise<void> {
    for (let from = 0; from < items.length; from += ITEMS_MAX) {
      await this.#deps.publish({ items: items.slice(from, from + ITEMS_MAX) });
    }
  }
}
