import type { DeliveredItem } from '../../../shared/contracts/positions.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type ConversationId,
  type ParticipantKey,
  participantKey,
  type UserId,
} from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { type AskRouter, createAskRouter } from '../../../shared/nats/rpc-clients.ts';
import { REQUEST_TIMEOUT_MS } from '../routers/router-client.ts';
import type { RouterTable } from '../routers/router-table.ts';

/**
 * Reports wait this long for others. Acknowledgements wait 20 ms before, so the sum is ≤ 100 ms.
 */
const COALESCE_MS = 80;
/** A report that no router took is sent again after this time. */
const RETRY_MS = 500;
const ITEMS_PER_REPORT_MAX = 1_000;
/**
 * The edge holds this many positions while no router is there. It drops positions of further users
 * and conversations, because the next acknowledgement raises them again.
 */
const HELD_MAX = 50_000;

/**
 * Tells the routers what users have had delivered: the highest `seq` per conversation and user. It
 * gathers for 80 ms, and then sends each router its positions in reports of ≤ 1000. A position is
 * kept until a router has answered that it is safe; a repeated report raises nothing.
 *
 * A `Gatherer` would not do here: it writes when its time is over, while these positions wait for a
 * router and come back after a refusal.
 */
export class DeliveredReports {
  readonly #bus: Bus;
  readonly #ask: AskRouter;
  readonly #table: RouterTable;
  readonly #pending = new Map<ParticipantKey, DeliveredItem>();
  readonly #sending = new Set<Promise<void>>();
  #unanswered = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus, table: RouterTable) {
    this.#bus = bus;
    this.#ask = createAskRouter(bus, REQUEST_TIMEOUT_MS);
    this.#table = table;
  }

  /** Counts the positions that no router has confirmed. */
  get held(): number {
    return this.#pending.size + this.#unanswered;
  }

  add(conversationId: ConversationId, userId: UserId, seq: number): void {
    this.#raise([conversationId, userId, seq, Date.now()]);
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

  /** Sends the positions that are left. A position that no router takes now is lost. */
  async close(): Promise<void> {
    this.flush();
    await Promise.all(this.#sending);
    clearTimeout(this.#timer);
  }

  #raise(item: DeliveredItem): void {
    const key = participantKey(item[0], item[1]);
    const known = this.#pending.get(key);
    if (known === undefined) {
      if (this.held < HELD_MAX) this.#pending.set(key, item);
    } else if (item[2] > known[2]) {
      this.#pending.set(key, item);
    }
  }

  /** Sends a report and never rejects: positions that no router took wait for the next report. */
  async #send(instance: string, items: DeliveredItem[]): Promise<void> {
    this.#unanswered += items.length;
    try {
      await this.#ask(instance, { op: 'delivered', items });
      this.#unanswered -= items.length;
    } catch (error) {
      this.#unanswered -= items.length;
      for (const item of items) this.#raise(item);
      if (error instanceof KahaError && error.noResponders) this.#table.remove(instance);
      this.#timer ??= setTimeout(() => this.flush(), RETRY_MS);
    }
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
