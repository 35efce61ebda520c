import { KahaError } from '../errors.ts';

export type Pending<Reply> = {
  resolve: (reply: Reply) => void;
  reject: (error: KahaError) => void;
  /** A request whose deadline (epoch ms) has passed is rejected TIMEOUT. */
  deadlineAt: number;
};

/** A timeout may be noticed this late: one sweep looks at all requests, and none has a timer. */
const SWEEP_MS = 50;
const IN_FLIGHT_MAX = 16_384;

/**
 * Keeps the requests that wait for a reply, by their tokens. At most 16 384 may wait: the caller
 * asks `refusal` before each `add`. A request whose deadline has passed is rejected TIMEOUT.
 */
export class PendingReplies<Token, Waiting extends Pending<never>> {
  readonly #waiting = new Map<Token, Waiting>();
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Returns the error with which to refuse one more request, or undefined if it may wait here.
   * `besides` is how many requests the caller has accepted but not added yet.
   */
  refusal(besides = 0): KahaError | undefined {
    if (this.#isClosed) return new KahaError('MESSAGING_UNAVAILABLE', 'Closing');
    if (this.size + besides < IN_FLIGHT_MAX) return undefined;
    return new KahaError('MESSAGING_UNAVAILABLE', 'Too many requests in flight');
  }

  add(token: Token, waiting: Waiting): void {
    this.#waiting.set(token, waiting);
    this.#sweep ??= setInterval(() => this.#timeOut(Date.now()), SWEEP_MS);
  }

  get(token: Token): Waiting | undefined {
    return this.#waiting.get(token);
  }

  take(token: Token): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    return waiting;
  }

  rejectAll(error: KahaError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweep);
  }

  #timeOut(nowMs: number): void {
    for (const [token, { deadlineAt, reject }] of this.#waiting) {
      if (deadlineAt > nowMs) continue;
      this.#waiting.delete(token);
      reject(new KahaError('TIMEOUT', 'No answer in time'));
    }
  }
}
