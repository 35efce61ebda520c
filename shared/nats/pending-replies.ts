import { KahaError } from '../errors.ts';

export type Pending<Reply> = {
  resolve: (reply: Reply) => void;
  reject: (error: KahaError) => void;
  /** Epoch ms. */
  deadlineAt: number;
};

/** How late a timeout may be noticed. One sweep for all instead of a timer per request. */
const SWEEP_MS = 50;
const IN_FLIGHT_MAX = 16_384;

/**
 * What waits for a reply, by its token. At most 16 384; one whose deadline has passed is rejected
 * TIMEOUT.
 */
export class PendingReplies<Token, Waiting extends Pending<never>> {
  readonly #waiting = new Map<Token, Waiting>();
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;

  get size(): number {
    return this.#waiting.size;
  }

  /** Why nothing more may be asked, with `besides` more that are not here yet. */
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
