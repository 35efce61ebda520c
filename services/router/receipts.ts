import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../shared/logger.ts';
import type { DeliveredItem, ReceiptBatch, ReceiptItem } from '../../shared/rpc.ts';
import type { RouterMetrics } from './router-metrics.ts';

const INTERVAL_MS = 100;
const ITEMS_MAX = 1_000;
/** Positions that wait; a lost one is raised again by the next acknowledgement. */
const HELD_MAX = 100_000;
const RETRY_DELAY_MS = 1_000;
const CLOSE_TRIES = 3;

type Deps = {
  /** Resolves once stream RECEIPTS has it. */
  publish: (batch: ReceiptBatch) => Promise<void>;
  metrics: RouterMetrics;
  logger: Logger;
};

/**
 * Delivered positions on their way to the database: reduced to the maximum per conversation and
 * user, one stream message per 100 ms and ≤ 1000 items. What a publish did not get rid of is merged
 * back; at 100 000 waiting a new one is dropped.
 */
export class Receipts {
  readonly #deps: Deps;
  readonly #highest = new Map<string, ReceiptItem>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<boolean> | undefined;
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get held(): number {
    return this.#highest.size;
  }

  delivered(items: readonly DeliveredItem[]): void {
    for (const [conversationId, userId, seq, atMs] of items) {
      this.#raise([conversationId, userId, 'delivered', seq, atMs]);
    }
    this.#arm(INTERVAL_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#sending;
    for (let tries = 0; this.#highest.size > 0 && tries < CLOSE_TRIES; ) {
      if (await this.#send()) continue;
      tries += 1;
      await delay(RETRY_DELAY_MS / 2);
    }
  }

  #raise(item: ReceiptItem): void {
    const key = item[0] + item[1];
    const known = this.#highest.get(key);
    if (known === undefined && this.#highest.size >= HELD_MAX) {
      this.#deps.metrics.receiptsDropped.inc();
    } else if (known === undefined || known[3] < item[3]) {
      this.#highest.set(key, item);
    }
  }

  #arm(delayMs: number): void {
    if (this.#closed || this.#timer !== undefined || this.#highest.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#sending = this.#send();
      void this.#sending.then((sent) => {
        this.#timer = undefined;
        const next = this.#highest.size < ITEMS_MAX ? INTERVAL_MS : 0;
        this.#arm(sent ? next : RETRY_DELAY_MS);
      });
    }, delayMs);
  }

  /** False where the stream did not take it; then nothing is lost. */
  async #send(): Promise<boolean> {
    const items: ReceiptItem[] = [];
    for (const [key, item] of this.#highest) {
      if (items.length >= ITEMS_MAX) break;
      items.push(item);
      this.#highest.delete(key);
    }
    try {
      await this.#deps.publish({ items });
      return true;
    } catch (error) {
      this.#deps.logger.warn({ err: error, count: items.length }, 'receipts put back');
      for (const item of items) this.#raise(item);
      return false;
    }
  }
}
