import type { Profiles } from '../../shared/contracts/profile-ops.ts';
import type { UserId } from '../../shared/ids.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import { createAskProfiles } from '../../shared/nats/rpc-clients.ts';
import { Histogram } from '../figures/histogram.ts';

type LoadOptions = {
  ratePerS: number;
  /** Each request has this many ids. */
  idsEach: number;
  /** The ids are taken from this pool, each time others. */
  pool: readonly UserId[];
};

const TICK_MS = 1;
const TIMEOUT_MS = 1_000;

/**
 * Asks for profiles at a steady rate, whatever the answers do. Times count from when a request is
 * due.
 */
export class ProfilesLoad {
  times = new Histogram();
  failed = 0;
  /** This many answers lacked a profile. */
  incomplete = 0;
  readonly #bus: Bus;
  readonly #options: LoadOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #begunAt = performance.now();
  #sent = 0;

  constructor(bus: Bus, options: LoadOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#timer = setInterval(() => this.#sendDue(), TICK_MS);
  }

  /** Returns what was measured since the last call. */
  take(): { times: Histogram; failed: number; incomplete: number } {
    const { times, failed, incomplete } = this;
    Object.assign(this, { times: new Histogram(), failed: 0, incomplete: 0 });
    return { times, failed, incomplete };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sendDue(): void {
    const { ratePerS } = this.#options;
    const due = Math.floor(((performance.now() - this.#begunAt) / 1_000) * ratePerS);
    for (; this.#sent < due; this.#sent += 1) {
      void this.#ask(this.#begunAt + ((this.#sent + 1) * 1_000) / ratePerS);
    }
  }

  async #ask(dueAt: number): Promise<void> {
    const { idsEach, pool } = this.#options;
    const start = (this.#sent * idsEach) % pool.length;
    const ids = pool.slice(start, start + idsEach);
    try {
      const reply = await getProfiles(this.#bus, ids);
      if (reply.users.length < ids.length) this.incomplete += 1;
      this.times.recordMs(performance.now() - dueAt);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.failed += 1;
    }
  }
}

export function getProfiles(bus: Bus, ids: readonly UserId[]): Promise<Profiles> {
  return createAskProfiles(bus, TIMEOUT_MS)('get', { user_ids: ids });
}
