import { setTimeout as delay } from 'node:timers/promises';
import type { EventId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';

const TICK_MS = 100;
const IDS_MAX = 500;
/**
 * At most this many ids wait. A store that is frozen lets fewer pile up within its deadline. An id
 * beyond it is dropped, and repair fans its event out again.
 */
const HELD_MAX = 50_000;
const TRIES = 3;
const RETRY_DELAY_MS = 500;

type Deps = { store: AskStore; metrics: RouterMetrics; logger: Logger };

/**
 * Strikes finished fan-outs off the outbox, in batches of ≤ 500. It holds each id for one more tick
 * of 100 ms, because JetStream answers before it writes an event to disk. If the NATS server is
 * killed before it wrote an event, `forget` drops the id, and the event stays owed. An id that is
 * lost here costs a second fan-out, and never a message.
 */
export class OutboxDone {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #recent: EventId[] = [];
  #due: EventId[] = [];
  readonly #sending = new Map<Promise<void>, EventId[]>();
  #losses = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get held(): number {
    return this.#recent.length + this.#due.length;
  }

  /**
   * Counts the calls of `forget`. If the count has risen since a fan-out began, nobody knows which
   * queues still hold the event, so the event stays owed to all its users.
   */
  get losses(): number {
    return this.#losses;
  }

  /** Returns the events that are fanned out and perhaps not yet struck off. */
  ids(): EventId[] {
    return [this.#recent, this.#due, ...this.#sending.values()].flat();
  }

  add(eventId: EventId): void {
    if (this.#recent.length < HELD_MAX) this.#recent.push(eventId);
    else this.#deps.metrics.doneDropped.inc();
  }

  /**
   * Drops all ids that are held. The router calls this when it loses its connection to NATS, which
   * may not have written the events that it took last.
   */
  forget(): void {
    this.#losses += 1;
    this.#deps.metrics.doneDropped.inc(this.held);
    this.#recent = [];
    this.#due = [];
  }

  /** Sends all ids that are left. It tries each batch at most three times. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick();
    this.#tick();
    await Promise.all(this.#sending.keys());
  }

  #tick(): void {
    const ids = this.#due;
    this.#due = this.#recent;
    this.#recent = [];
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
