import { PING_FRAME } from '../websocket/client-frames.ts';
import type { Connection } from './connection.ts';

const PERIOD_MS = 15_000;
const TICK_MS = 50;

/** Pings every connection every 15 s, spread evenly, with one timer for all. */
export class Heartbeat {
  sent = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #connections: readonly Connection[];
  readonly #startedAt = performance.now();
  #turns = 0;

  constructor(connections: readonly Connection[]) {
    this.#connections = connections;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const count = this.#connections.length;
    const due = Math.floor(((performance.now() - this.#startedAt) * count) / PERIOD_MS);
    for (; this.#turns < due; this.#turns += 1) {
      const connection = this.#connections[this.#turns % count];
      if (connection?.state !== 'ready') continue;
      connection.client?.send(PING_FRAME);
      this.sent += 1;
    }
  }
}
