import type { Bus } from '../../shared/bus.ts';
import type { ConversationId, UserId } from '../../shared/ids.ts';
import type { DeliveredItem } from '../../shared/rpc.ts';
import { subjects } from '../../shared/subjects.ts';
import type { RouterTable } from './router-table.ts';

/** How long reports wait for others. */
const COALESCE_MS = 100;
const ITEMS_PER_REPORT_MAX = 1_000;
/** While no router is there; beyond, new pairs are dropped: positions rise with the next ack. */
const PENDING_MAX = 50_000;

/**
 * Tells the routers what users have had delivered: the highest `seq` per conversation and user,
 * one report per router and 100 ms. Best effort: kept while there is no connection or router.
 */
export class DeliveredReports {
  readonly #bus: Bus;
  readonly #table: RouterTable;
  readonly #pending = new Map<string, DeliveredItem>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus, table: RouterTable) {
    this.#bus = bus;
    this.#table = table;
  }

  get pending(): number {
    return this.#pending.size;
  }

  add(conversationId: ConversationId, userId: UserId, seq: number): void {
    const key = conversationId + userId;
    const known = this.#pending.get(key);
    if (known === undefined) {
      if (this.#pending.size >= PENDING_MAX) return;
      this.#pending.set(key, [conversationId, userId, seq, Date.now()]);
    } else if (seq > known[2]) {
      known[2] = seq;
      known[3] = Date.now();
    }
    this.#timer ??= setTimeout(() => this.flush(), COALESCE_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    if (!this.#bus.connected || this.#table.instances.length === 0) {
      this.#timer = setTimeout(() => this.flush(), COALESCE_MS);
      return;
    }
    for (const [instance, items] of this.#byRouter()) {
      for (let start = 0; start < items.length; start += ITEMS_PER_REPORT_MAX) {
        const part = items.slice(start, start + ITEMS_PER_REPORT_MAX);
        const report = JSON.stringify({ op: 'delivered', items: part });
        this.#bus.publish(subjects.router(instance), report);
      }
    }
    this.#pending.clear();
  }

  /** Sends what is there; nothing is kept after. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #byRouter(): Map<string, DeliveredItem[]> {
    const routes = new Map<string, DeliveredItem[]>();
    for (const item of this.#pending.values()) {
      const instance = this.#table.first(item[0]);
      if (instance === undefined) continue;
      const items = routes.get(instance);
      if (items === undefined) routes.set(instance, [item]);
      else items.push(item);
    }
    return routes;
  }
}
