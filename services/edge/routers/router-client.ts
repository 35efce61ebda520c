import type { RouterOps } from '../../../shared/contracts/router-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { type AskRouter, createAskRouter } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { RouterTable } from './router-table.ts';

/**
 * A request has this long for its whole way. Router and store have less, so that their typed errors
 * arrive.
 */
export const REQUEST_TIMEOUT_MS = 4_000;

/**
 * The router `instance` took the sends of one socket to one conversation, and `unanswered` of them
 * have no answer yet. Until they have, later sends go to the same router, so that order is kept.
 */
export type StickyRoute = { instance: string | undefined; unanswered: number };

type Route = {
  /** The router is chosen by the conversation, or by the user where there is none. */
  key: string;
  trace?: string | undefined;
  sticky?: StickyRoute;
  /**
   * A caller sets the deadline, by `steadyMs`, where a part of the time is spent already. The
   * default is 4 s from now.
   */
  deadlineAt?: number;
};

/**
 * Sends requests to the routers. Where nobody listens, the next router is asked at once, because
 * such a request was surely not carried out. After any other failure it may have been, so the
 * caller gets the error.
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
    { key, trace, sticky, deadlineAt = steadyMs() + REQUEST_TIMEOUT_MS }: Route,
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

/**
 * Returns the router that an earlier send of the same socket has moved on to, so that order is
 * kept.
 */
function nextAfter(instance: string, sticky: StickyRoute | undefined): string | undefined {
  if (sticky === undefined) return undefined;
  if (sticky.instance !== instance) return sticky.instance;
  sticky.instance = undefined;
  return undefined;
}
