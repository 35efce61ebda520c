import { KahaError } from '../errors.ts';
import { repeat } from '../process/repeat.ts';

/**
 * `late` means that no reply came in time, `nobody` that nobody listens on the subject, `lost` that
 * the connection is away or closing, and `refused` that the request was never sent.
 */
export type Failure = 'late' | 'nobody' | 'lost' | 'refused';

/** One of `answered` and `failed` is called once. Neither may throw. */
export type Pending<Reply> = {
  answered(reply: Reply): void;
  failed(failure: Failure): void;
  /** A request whose deadline, by `steadyMs`, has passed fails as `late`. */
  readonly deadlineAt: number;
};

/** A timeout may be noticed this late: one sweep looks at all requests, and none has a timer. */
const SWEEP_MS = 50;
export const IN_FLIGHT_MAX = 16_384;

/**
 * Keeps the requests that wait for a reply, by their tokens. At most 16 384 may wait: the caller
 * asks `hasRoom` before each `add`. A request whose deadline has passed fails as `late`.
 */
export class PendingReplies<Token, Waiting extends Pending<never>> {
  readonly #waiting = new Map<Token, Waiting>();
  #endSweeps: (() => void) | undefined;
  #isClosed = false;

  get size(): number {
    return this.#waiting.size;
  }

  /** Tells whether one more request may wait here. */
  hasRoom(): boolean {
    return !this.#isClosed && this.size < IN_FLIGHT_MAX;
  }

  add(token: Token, waiting: Waiting): void {
    this.#waiting.set(token, waiting);
    // A reply that came while this process was stopped is read before its request is late.
    this.#endSweeps ??= repeat(SWEEP_MS, (_nowMs, readMs) => this.#timeOut(readMs));
  }

  get(token: Token): Waiting | undefined {
    return this.#waiting.get(token);
  }

  take(token: Token): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    return waiting;
  }

  /** Fails all requests that wait. They may ask again at once, and such requests stay. */
  failAll(failure: Failure): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.failed(failure);
  }

  close(): void {
    this.#isClosed = true;
    this.#endSweeps?.();
  }

  #timeOut(readMs: number): void {
    for (const [token, waiting] of this.#waiting) {
      if (waiting.deadlineAt > readMs) continue;
      this.#waiting.delete(token);
      waiting.failed('late');
    }
  }
}

/** Makes the error with which a promised reply is rejected. */
export function errorOf(failure: Failure): KahaError {
  switch (failure) {
    case 'late':
      return new KahaError('TIMEOUT', 'No answer in time');
    case 'nobody':
      return new KahaError('MESSAGING_UNAVAILABLE', 'Nobody answers', { noResponders: true });
    case 'lost':
      return new KahaError('MESSAGING_UNAVAILABLE', 'NATS is not connected');
    case 'refused':
      return new KahaError('MESSAGING_UNAVAILABLE', 'Not sent: too many requests, or too large');
  }
}
