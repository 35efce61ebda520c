import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhenResult } from 'cockatiel';
import type { PushAnswer } from '../providers/provider.ts';

export type CircuitTerms = { failures: number; firstMs: number; longestMs: number };

type Deps = {
  terms: CircuitTerms;
  now: () => number;
  onChange: (isOpen: boolean) => void;
};

/** `waitMs` decides when the breaker lets a try through, and no clock of its own. */
const AT_ONCE = Number.NEGATIVE_INFINITY;
/** A try is under way that decides whether the circuit closes. */
const UNDECIDED_MS = 500;

/**
 * Five failed tries in a row open the circuit of a host, which is then not asked. After a second,
 * one push tries it again. If that fails, the next one tries after two seconds, then four, and
 * at last every 30 s. Whatever the host refuses with a reason is no failure of it.
 */
export class HostCircuit {
  readonly #deps: Deps;
  readonly #breaker: ReturnType<typeof circuitBreaker>;
  #openings = 0;
  #triesAtMs = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { failures, firstMs, longestMs } = deps.terms;
    this.#breaker = circuitBreaker(handleWhenResult(isFailure), {
      breaker: new ConsecutiveBreaker(failures),
      halfOpenAfter: AT_ONCE,
    });
    this.#breaker.onBreak(() => {
      this.#triesAtMs = deps.now() + Math.min(longestMs, firstMs * 2 ** this.#openings);
      this.#openings += 1;
      if (this.#openings === 1) deps.onChange(true);
    });
    this.#breaker.onReset(() => {
      this.#openings = 0;
      deps.onChange(false);
    });
  }

  get isOpen(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  /** Returns how long the host is not asked, or 0 if it may be asked now. */
  waitMs(): number {
    if (this.#breaker.state === CircuitState.Closed) return 0;
    if (this.#breaker.state === CircuitState.HalfOpen) return UNDECIDED_MS;
    return Math.max(0, this.#triesAtMs - this.#deps.now());
  }

  /** Makes the try, unless the host is not asked now. A try never rejects. */
  async run(tryOnce: () => Promise<PushAnswer>): Promise<PushAnswer | undefined> {
    return this.waitMs() > 0 ? undefined : this.#breaker.execute(tryOnce);
  }
}

function isFailure(result: unknown): boolean {
  const { kind } = result as PushAnswer;
  return kind === 'unavailable' || kind === 'lost';
}
