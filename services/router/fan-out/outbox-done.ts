import { setTimeout as delay } from 'node:timers/promises';
import type { EventId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';

const TICK_MS = 100;
const IDS_MAX = 500;
/** More than a frozen store lets pile up in its deadline; what is dropped is fanned out again. */
const HELD_MAX = 50_000;
const TRIES = 3;
const RETRY_DELAY_MS = 500;

type Deps = { store: AskStore; metrics: RouterMetrics; logger: Logger };

/**
 * Strikes fan-outs off the outbox, in batches of ≤ 500. Each id is held for one more tick of
 * 100 ms: JetStream answers before it writes, and what a NATS server that is killed had not written
 * is still owed then (`forget`). An id that is lost here costs a second fan-out, never a message.
 */
export class OutboxDone {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #young: EventId[] = [];
  #ripe: EventId[] = [];
  readonly #sending = new Map<Promise<void>, EventId[]>();
  #losses = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get held(): number {
    return this.#young.length + this.#ripe.length;
  }

  /**
   * How often `forget` was called. Of a fan-out that began before the last one, nobody knows whose
   * queue has it: it is not done, and owed to all.
   */
  get losses(): number {
    return this.#losses;
  }

  /** What is fanned out and perhaps not yet struck off. */
  ids(): EventId[] {
    return [this.#young, this.#ripe, ...this.#sending.values()].flat();
  }

  add(eventId: EventId): void {
    if (this.#young.length < HELD_MAX) this.#young.push(eventId);
    else this.#deps.metrics.doneDropped.inc();
  }

  /** The connection to NATS was lost: what it took last may not have been written. */
  forget(): void {
    this.#losses += 1;
    this.#deps.metrics.doneDropped.inc(this.held);
    this.#young = [];
    this.#ripe = [];
  }

  /** Sends all there is, each batch at most three times. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick();
    this.#tick();
    await Promise.all(this.#sending.keys());
  }

  #tick(): void {
    const ids = this.#ripe;
    this.#ripe = this.#young;
    this.#young = [];
    for (let from = 0; from < ids.length; from += IDS_MAX) {
      const batch = ids.slice(from, from + IDS_MAX);
      const sending = this.#send(batch);
      this.#sending.set(sending, batch);
      void sending.then(() => this.#sending.delete(sending));
    }
  }

  async #send(ids: EventId[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#deps.store('outbox.done', { event_ids: ids });
        return;
      } catch (error) {
        if (tries >= TRIES) {
          this.#deps.metrics.doneDropped.inc(ids.length);
          this.#deps.logger.warn({ err: error, count: ids.length }, 'outbox rows stay');
          return;
        }
        await delay(RETRY_DELAY_MS * tries);
      }
    }
  }
}
