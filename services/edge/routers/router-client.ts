import type { RouterOps } from '../../../shared/contracts/router-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { type AskRouter, createAskRouter } from '../../../shared/nats/rpc-clients.ts';
import type { RouterTable } from './router-table.ts';

/** The whole way of a request; router and store have less, so that their typed errors arrive. */
export const REQUEST_TIMEOUT_MS = 4_000;

/**
 * The router that took the sends of one socket to one conversation; `unanswered` of them have no
 * answer yet. A send goes where the unanswered ones went, so that their order stays.
 */
export type StickyRoute = { instance: string | undefined; unanswered: number };

type Route = {
  /** What the router is chosen by: the conversation, or the user where there is none. */
  key: string;
  trace?: string | undefined;
  sticky?: StickyRoute;
  /** Where a part of the time is spent already. */
  deadlineAt?: number;
};

/**
 * Requests to the routers. Where nobody listens the next router is asked at once: such a request
 * was surely not carried out. Any other failure is the caller's to tell: it may have been.
 */
export class RouterClient {
  readonly #ask: AskRouter;
  readonly #table: RouterTable;

  constructor(bus: Bus, table: RouterTable) {
    this.#ask = createAskRouter(bus, REQUEST_TIMEOUT_MS);
    this.#table = table;
  }

  async ask<Op extends keyof RouterOps>(
    op: Op,
    request: RouterOps[Op][0],
    { key, trace, sticky, deadlineAt = Date.now() + REQUEST_TIMEOUT_MS }: Route,
  ): Promise<RouterOps[Op][1]> {
    const body = { op, ...request };
    const options = { deadlineAt, trace };
    let instance = sticky?.instance ?? this.#table.first(key);
    while (instance !== undefined) {
      if (sticky !== undefined) sticky.instance = instance;
      try {
        return await this.#ask(instance, body, options);
      } catch (error) {
        if (!(error instanceof KahaError && error.noResponders)) throw error;
        this.#table.remove(instance);
        instance = nextAfter(instance, sticky) ?? this.#table.first(key);
      }
    }
    throw new KahaError('MESSAGING_UNAVAILABLE', 'No router is available');
  }
}

/** Where an earlier send of the same socket has moved on to: order wants the same. */
function nextAfter(instance: string, sticky: StickyRoute | undefined): string | undefined {
  if (sticky === undefined) return undefined;
  if (sticky.instance !== instance) return sticky.instance;
  sticky.instance = undefined;
  return undefined;
}
