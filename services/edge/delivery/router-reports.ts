import { KahaError } from '../../../shared/errors.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { type AskRouter, createAskRouter } from '../../../shared/nats/rpc-clients.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import { REQUEST_TIMEOUT_MS } from '../routers/router-client.ts';
import type { RouterTable } from '../routers/router-table.ts';

/** An item begins with the key by which its router is chosen, which mostly is a conversation. */
type Item = readonly [string, ...unknown[]];

export type ReportDeps = {
  bus: Pick<Bus, 'request' | 'connected'>;
  table: RouterTable;
  metrics: Pick<EdgeMetrics, 'reportsDropped'>;
};

type Report<Told extends Item> = {
  /** The metric of items that are dropped has this label. */
  what: string;
  /** The first item of a report waits this long for others. */
  coalesceMs: number;
  /** The edge holds this many items while no router is there. It drops further ones. */
  heldMax: number;
  /** Items with the same key are one item. */
  keyOf: (item: Told) => unknown;
  /** Tells whether `item` replaces the item that is held under the same key. */
  isNewer: (item: Told, held: Told) => boolean;
  send: (ask: AskRouter, instance: string, items: Told[]) => Promise<unknown>;
};

/** A report that no router took is sent again after this time. */
const RETRY_MS = 500;
const ITEMS_PER_REPORT_MAX = 1_000;

/**
 * Tells the routers what happened on this edge. It gathers items for some time, and then sends each
 * router those that are for it in reports of ≤ 1000. An item is kept until a router has
 * answered, so a router may hear of it twice. Items that a router refuses as invalid are dropped,
 * because a router of an earlier version does not know the report.
 *
 * A `Gatherer` would not do here: it writes when its time is over, while these items wait for a
 * router and come back after a failure.
 */
export class RouterReports<Told extends Item> {
  readonly #deps: ReportDeps;
  readonly #report: Report<Told>;
  readonly #ask: AskRouter;
  readonly #pending = new Map<unknown, Told>();
  readonly #sending = new Set<Promise<void>>();
  #unanswered = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: ReportDeps, report: Report<Told>) {
    this.#deps = deps;
    this.#report = report;
    this.#ask = createAskRouter(deps.bus, REQUEST_TIMEOUT_MS);
  }

  add(item: Told): void {
    this.#hold(item);
    this.#timer ??= setTimeout(() => this.#flush(), this.#report.coalesceMs);
  }

  /** Sends the items that are left. An item that no router takes now is lost. */
  async close(): Promise<void> {
    this.#flush();
    await Promise.all(this.#sending);
    clearTimeout(this.#timer);
  }

  #flush(): void {
    const { bus, table } = this.#deps;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    if (!bus.connected || table.instances.length === 0) {
      this.#timer = setTimeout(() => this.#flush(), this.#report.coalesceMs);
      return;
    }
    const routes = this.#byRouter();
    this.#pending.clear();
    for (const [instance, items] of routes) {
      for (let start = 0; start < items.length; start += ITEMS_PER_REPORT_MAX) {
        const sending = this.#send(instance, items.slice(start, start + ITEMS_PER_REPORT_MAX));
        this.#sending.add(sending);
        void sending.then(() => this.#sending.delete(sending));
      }
    }
  }

  #hold(item: Told): void {
    const { heldMax, keyOf, isNewer } = this.#report;
    const key = keyOf(item);
    const held = this.#pending.get(key);
    if (held !== undefined) {
      if (isNewer(item, held)) this.#pending.set(key, item);
    } else if (this.#pending.size + this.#unanswered < heldMax) {
      this.#pending.set(key, item);
    } else {
      this.#drop(1);
    }
  }

  #drop(count: number): void {
    this.#deps.metrics.reportsDropped.add(this.#report.what, count);
  }

  /** Sends a report and never rejects: items that no router took wait for the next report. */
  async #send(instance: string, items: Told[]): Promise<void> {
    this.#unanswered += items.length;
    try {
      await this.#report.send(this.#ask, instance, items);
      this.#unanswered -= items.length;
    } catch (thrown) {
      this.#unanswered -= items.length;
      const error = KahaError.from(thrown);
      if (error.code === 'INVALID_REQUEST') {
        this.#drop(items.length);
        return;
      }
      for (const item of items) this.#hold(item);
      if (error.noResponders) this.#deps.table.remove(instance);
      this.#timer ??= setTimeout(() => this.#flush(), RETRY_MS);
    }
  }

  #byRouter(): Map<string, Told[]> {
    const routes = new Map<string, Told[]>();
    for (const item of this.#pending.values()) {
      const instance = this.#deps.table.first(item[0]);
      if (instance === undefined) continue;
      const items = routes.get(instance);
      if (items === undefined) routes.set(instance, [item]);
      else items.push(item);
    }
    return routes;
  }
}
