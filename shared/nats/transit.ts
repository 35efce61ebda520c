import type { NatsConnection } from 'nats';
import { steadyMs } from '../process/clock.ts';

const PING_MS = 250;
/** Where nothing is slow, a message is on its way for less than this: until a PING is answered. */
const ORDINARY_MS = 2 * PING_MS;

/**
 * Says for how long a message may have been on its way that is read now, without a clock of its
 * sender. A PING goes to NATS every 250 ms. Its answer comes behind all that NATS had sent before,
 * so whatever is read now was sent since the last answered PING. That is old if this process was
 * stopped, if it reads more slowly than messages come, or if NATS was frozen.
 */
export class Transit {
  readonly #nc: NatsConnection;
  #answeredMs = steadyMs();
  #isAsking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  start(): void {
    this.#answeredMs = steadyMs();
    this.#timer ??= setInterval(() => {
      // Without an answer the connection is lost, and there is nothing to read.
      this.#ask().catch((error: unknown) => error);
    }, PING_MS);
  }

  /** Nothing comes that was sent before the connection was made. */
  reconnected(): void {
    this.#answeredMs = steadyMs();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A message that is read now has waited so long at most, but for half a second. */
  get waitedMs(): number {
    return Math.max(0, steadyMs() - this.#answeredMs - ORDINARY_MS);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#nc.isClosed()) return;
    this.#isAsking = true;
    const askedMs = steadyMs();
    try {
      await this.#nc.flush();
      this.#answeredMs = Math.max(this.#answeredMs, askedMs);
    } finally {
      this.#isAsking = false;
    }
  }
}
