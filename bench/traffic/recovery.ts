import type { Fleet } from '../fleet/fleet.ts';
import type { RecoveryTimes } from '../workers/worker-calls.ts';
import type { Traffic } from './traffic.ts';

const POLL_MS = 20;
/**
 * The system is at its usual work again once every message that was due longer ago than this has
 * been answered and delivered.
 */
const BACKLOG_MS = 1_000;

/**
 * Watches how connections come back after a loss. It notes when the last one was there again, and
 * when every message that was due while it was away had been answered and delivered.
 */
export class Recovery {
  readonly times: RecoveryTimes = { lost: 0 };
  readonly #fleet: Fleet;
  readonly #traffic: Traffic;
  #timer: NodeJS.Timeout | undefined;

  constructor(fleet: Fleet, traffic: Traffic) {
    this.#fleet = fleet;
    this.#traffic = traffic;
  }

  lost(): void {
    this.times.lost += 1;
    this.#timer ??= setInterval(() => this.#look(), POLL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { readyCount, deadCount, connections } = this.#fleet;
    if (readyCount + deadCount < connections.length) return;
    this.times.backAt ??= Date.now();
    if (this.#traffic.backlogMs() > BACKLOG_MS) return;
    this.times.drainedAt = Date.now();
    this.stop();
  }
}
