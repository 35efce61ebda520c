import type { UserId } from '../../../shared/ids.ts';
import { type ReportDeps, RouterReports } from '../delivery/router-reports.ts';
import type { Change } from './presence-redis.ts';

/** The edge's name chooses the router, so that one router gets all items of an edge. */
type Item = [edge: string, userId: UserId, isOnline: boolean, order: number];

/**
 * The edge holds news of so many users. News of further users is dropped and counted: store
 * compares all agents with Redis every 30 s.
 */
const HELD_MAX = 50_000;
const COALESCE_MS = 200;

/**
 * Tells a router which users have come and gone, because some of them may be agents, and the edge
 * does not know which. Of one user it tells the last change alone. A report that fails is sent
 * again after 500 ms, for as long as there is no answer.
 */
export class AgentReports {
  readonly #reports: RouterReports<Item>;
  readonly #edge: string;
  #order = 0;

  constructor(edge: string, deps: ReportDeps) {
    this.#edge = edge;
    this.#reports = new RouterReports(deps, {
      what: 'agents',
      coalesceMs: COALESCE_MS,
      heldMax: HELD_MAX,
      keyOf: ([, userId]) => userId,
      isNewer: ([, , , order], [, , , heldOrder]) => order > heldOrder,
      send: (ask, instance, items) => {
        const changes = items.map(([, user_id, is_online]) => ({ user_id, is_online }));
        return ask(instance, { op: 'agents.presence', changes });
      },
    });
  }

  tell({ userId, status }: Change): void {
    this.#order += 1;
    this.#reports.add([this.#edge, userId, status === 'online', this.#order]);
  }

  /** Sends what is left. What no router takes now is lost. */
  close(): Promise<void> {
    return this.#reports.close();
  }
}
