import { type Kysely, sql } from 'kysely';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Database } from '../database/schema.ts';
import type { AgentPresences } from './agent-presence.ts';
import { correctAgents } from './correct-agents.ts';

type Deps = { db: Kysely<Database>; presences: AgentPresences; logger: Logger };

const LOOK_MS = 1_000;
/** Redis must fail at so many looks in a row to count as away: one command may just be late. */
const MISSES = 2;
/** By the end of this time, a store has seen that Redis is away. */
const SEEN_AFTER_S = 4;
const WALK_MS = 30_000;
const PAGE = 500;

/**
 * Keeps the rows of agents in line with Redis where no edge tells of a change.
 *
 * - Every 30 s, and when Redis knows all users again after it was away or emptied, it compares all
 *   agents with Redis. So a report of an edge that was lost delays a change by 30 s.
 * - When Redis no longer knows who is offline, it ends the graces that run. Nobody becomes
 *   unavailable then. Who is still offline when Redis knows again gets the whole grace anew.
 *
 * Each store does this, and the work of a second one finds nothing to change.
 */
export class PresenceRounds {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  #misses = 0;
  #isAway = false;
  /** The next walk is due at this time, by `steadyMs`. */
  #walkAt = 0;
  #looking: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, LOOK_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Never rejects: what Postgres does not take now is tried again at the next look. */
  async #look(): Promise<void> {
    const { db, presences, logger } = this.#deps;
    try {
      if (await presences.isKnown()) {
        this.#misses = 0;
        if (steadyMs() < this.#walkAt && !this.#isAway) return;
        await this.#walk();
        this.#isAway = false;
        this.#walkAt = steadyMs() + WALK_MS * (0.8 + 0.4 * Math.random());
      } else if (!this.#isAway) {
        this.#misses += 1;
        if (this.#misses < MISSES) return;
        await endGraces(db);
        this.#isAway = true;
        logger.info('nobody knows who is offline, so no agent becomes unavailable');
      }
    } catch (error) {
      logger.debug({ err: error }, 'presence of agents not compared');
    }
  }

  /** Compares all agents, 500 at a time. Nobody assigns to those who say that they are offline. */
  async #walk(): Promise<void> {
    const { db } = this.#deps;
    let after: Place | undefined = FIRST;
    while (after !== undefined) {
      const page: Row[] = await readPage(db, after);
      await correctAgents(this.#deps, page);
      after = page.length < PAGE ? undefined : page.at(-1);
    }
  }
}

type Place = { user_id: UserId; business_id: BusinessId };
type Row = Place & { offline_since: string | null };

const NIL = '00000000-0000-0000-0000-000000000000';
const FIRST: Place = { user_id: NIL as UserId, business_id: NIL as BusinessId };

async function readPage(db: Kysely<Database>, { user_id, business_id }: Place): Promise<Row[]> {
  const { rows } = await sql<Row>`select user_id, business_id, offline_since from business_agents
    where (user_id, business_id) > (${user_id}, ${business_id}) and status <> 'offline'
    order by user_id, business_id limit ${PAGE}`.execute(db);
  return rows;
}

/** Ends graces that run, and those that ended while no store had seen yet that Redis is away. */
async function endGraces(db: Kysely<Database>): Promise<void> {
  await sql`with running as (select a.business_id, a.user_id
        from business_agents a join businesses b using (business_id)
        where a.offline_since > statement_timestamp()
          - (b.offline_grace_s + ${SEEN_AFTER_S}) * interval '1 second'
        order by a.user_id, a.business_id for no key update of a)
    update business_agents a set offline_since = null from running r
      where a.business_id = r.business_id and a.user_id = r.user_id`.execute(db);
}
