import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '../stage/stack.ts';

type Head = { business_id: string; conversation_id: string; version: number };
type Seen = { name: string; sinceMs: number; lastMs: number };

const LOOK_MS = 50;

/**
 * The head of a business is the oldest conversation that somebody could be given now. It is first
 * in line for whoever has a place for it, so it must not stay the head for long.
 */
const SELECT_HEADS = `
with able as materialized (
  select a.business_id, a.user_id,
    coalesce(a.capacity, b.capacity) > (select count(*) from conversations c
      where c.business_id = a.business_id and c.state = 'assigned' and c.assignee_id = a.user_id)
      as has_place
  from business_agents a join businesses b using (business_id)
  where a.business_id = any($1) and a.status = 'available' and (a.offline_since is null
    or a.offline_since > now() - b.offline_grace_s * interval '1 second'))
select distinct on (c.business_id) c.business_id, c.conversation_id, c.version
from conversations c
where c.business_id = any($1) and c.state = 'waiting' and exists (
  select from able a where a.business_id = c.business_id and a.has_place
    and a.user_id <> c.customer_id
    and (c.preferred_agent_id is null or c.preferred_agent_id = a.user_id
      or not exists (select from able p where p.business_id = c.business_id
        and p.user_id = c.preferred_agent_id)))
order by c.business_id, c.waiting_since, c.conversation_id`;

/** Looks 20 times a second at the heads of businesses, and measures how long each stays one. */
export class HeadWatch {
  /** A head stayed one for so long, in ms. */
  readonly stays: number[] = [];
  readonly #system: System;
  readonly #ids: readonly string[];
  readonly #seen = new Map<string, Seen>();
  readonly #watching: Promise<void>;
  #isOver = false;

  constructor(system: System, businessIds: readonly string[]) {
    this.#system = system;
    this.#ids = businessIds;
    this.#watching = this.#watch();
  }

  /** Resolves with the conversations that could be given out now, at most one of each business. */
  heads(): Promise<Head[]> {
    return this.#system.sql<Head>(SELECT_HEADS, [this.#ids]);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
    for (const seen of this.#seen.values()) this.#end(seen);
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      try {
        this.#note(await this.heads(), performance.now());
      } catch {
        // The database is away, so nobody knows what the heads are.
        this.#seen.clear();
      }
      await delay(LOOK_MS);
    }
  }

  #note(heads: readonly Head[], nowMs: number): void {
    const names = new Map(
      heads.map((head) => [head.business_id, `${head.conversation_id} ${head.version}`]),
    );
    for (const id of this.#ids) {
      const name = names.get(id);
      const seen = this.#seen.get(id);
      if (seen !== undefined && seen.name === name) {
        seen.lastMs = nowMs;
        continue;
      }
      if (seen !== undefined) this.#end(seen);
      if (name === undefined) this.#seen.delete(id);
      else this.#seen.set(id, { name, sinceMs: nowMs, lastMs: nowMs });
    }
  }

  #end({ sinceMs, lastMs }: Seen): void {
    this.stays.push(lastMs - sinceMs);
  }
}
