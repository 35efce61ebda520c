import type { AssignmentClaim } from '../../../shared/contracts/assignment.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { type AutomaticCommand, giveOutBusiness, LEASE_MS } from './give-out-business.ts';

const POLL_MS = 450;
const JITTER_MS = 100;
/**
 * A router gives out what so many businesses have at a time, each on one connection of a store. The
 * others are left to the rest.
 */
const BUSINESSES_MAX = 8;

type Deps = {
  store: AskStore;
  change: (command: AutomaticCommand, deadlineAt: number) => Promise<unknown>;
  /** The driver rests while NATS is away. */
  isConnected: () => boolean;
  logger: Logger;
};

/**
 * Gives out by itself what waits in the inboxes of businesses, and takes back what absent agents
 * have. A step that makes this possible leaves a row in the database that says so. The driver
 * leases such businesses each half second, and at once when it is poked. A lease gives a business
 * to one router at a time. It ends after 3 s without its router, so another one goes on then.
 *
 *     poll, poke → claim → plans, one by one ┬───────────────────── all carried out → done
 *                              ▲             └─ there may be more → read ─► no plan ──┘
 *                              └─────────────────────────────────────┘
 */
export class AssignmentDriver {
  readonly #deps: Deps;
  readonly #running = new Map<BusinessId, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #claiming: Promise<void> | undefined;
  /** Another claim may find something. */
  #isDue = false;
  #isClosing = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#schedule();
  }

  /** Counts the businesses that this router has leased. */
  get size(): number {
    return this.#running.size;
  }

  /** Says that a business may have become due just now. */
  poke(): void {
    this.#isDue = true;
    this.#claiming ??= this.#claim().then(() => {
      this.#claiming = undefined;
      // A poke may have come after the last look at `isDue`.
      if (this.#mayClaim()) this.poke();
    });
  }

  /** Ends the leases. What this router has not given out is due at once, and others give it out. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#claiming;
    await Promise.all(this.#running.values());
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.poke();
        this.#schedule();
      },
      POLL_MS + Math.random() * JITTER_MS,
    );
  }

  /** A router that is full claims again once it is done with a business. */
  #mayClaim(): boolean {
    const hasRoom = this.#running.size < BUSINESSES_MAX;
    return this.#isDue && hasRoom && !this.#isClosing && this.#deps.isConnected();
  }

  /** Never rejects. A claim that fails is made again by the next poll. */
  async #claim(): Promise<void> {
    const { store, logger } = this.#deps;
    while (this.#mayClaim()) {
      const limit = BUSINESSES_MAX - this.#running.size;
      this.#isDue = false;
      try {
        const { claims } = await store('assignment.claim', { limit, lease_ms: LEASE_MS });
        for (const claim of claims) this.#start(claim);
        if (claims.length === limit) this.#isDue = true;
      } catch (error) {
        logger.debug({ err: error }, 'no business claimed');
      }
    }
  }

  #start(claim: AssignmentClaim): void {
    const { business_id: id } = claim;
    const running = this.#giveOut(claim).then((isDue) => {
      if (this.#running.get(id) === running) this.#running.delete(id);
      if (isDue || this.#isDue) this.poke();
    });
    this.#running.set(id, running);
  }

  /** Never rejects. A business that is left so is due when its lease ends. */
  async #giveOut(claim: AssignmentClaim): Promise<boolean> {
    try {
      return await giveOutBusiness({ ...this.#deps, isClosing: () => this.#isClosing }, claim);
    } catch (error) {
      // A store that is away is no fault of the business. Nothing else should go wrong.
      const { isRetryable } = KahaError.from(error);
      const level = isRetryable ? 'debug' : 'error';
      this.#deps.logger[level]({ err: error }, 'a business is left to its next owner');
      return false;
    }
  }
}
