import { pause } from '../../../shared/concurrency/pause.ts';
import type { PossibleStep } from '../../../shared/contracts/assignment.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';

const LOOK_MS = 4_000;
/** Routers look at a business together once in this time. */
const IDLE_MS = 30_000;
const LIMIT = 50;
/** A step that has been possible for longer than this should have been taken. */
const LEFT_AFTER_MS = 2_000;

type Deps = {
  store: AskStore;
  /** Something was found, and its business is due. */
  poke: () => void;
  isConnected: () => boolean;
  metrics: Pick<RouterMetrics, 'sweepFinds'>;
  logger: Logger;
  lookMs?: number;
  leftAfterMs?: number;
};

/**
 * Looks for what the driver has left, and heals it. A step that is possible, and still is 2 s later
 * in the same version of its conversation, is a find. Nothing is found as long as nothing fails, so
 * the count of finds tells of a fault.
 */
export class AssignmentSweep {
  readonly #deps: Deps;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#running = this.#run(this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { isConnected, logger, lookMs = LOOK_MS } = this.#deps;
    while (!signal.aborted) {
      await pause(lookMs * (1 + Math.random() / 2), signal);
      try {
        if (!signal.aborted && isConnected()) await this.#sweep(signal);
      } catch (error) {
        logger.debug({ err: error }, 'businesses not swept');
      }
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { store, leftAfterMs = LEFT_AFTER_MS } = this.#deps;
    for (let hasMore = true; hasMore && !signal.aborted; ) {
      const { has_more, possible } = await store('assignment.sweep', {
        limit: LIMIT,
        idle_ms: IDLE_MS,
      });
      hasMore = has_more;
      if (possible.length === 0) continue;
      await pause(leftAfterMs, signal);
      if (!signal.aborted) await this.#lookAgain(possible);
    }
  }

  async #lookAgain(possible: PossibleStep[]): Promise<void> {
    const { store, poke, metrics, logger } = this.#deps;
    const { finds } = await store('assignment.finds', { possible });
    if (finds === 0) return;
    metrics.sweepFinds.inc(finds);
    logger.warn({ finds }, 'steps of businesses were possible, and nobody took them');
    poke();
  }
}
