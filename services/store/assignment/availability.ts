import { sql } from 'kysely';

/**
 * Says that the grace of an agent runs. They are known to be offline, and the time that their
 * business grants them to come back is not over. The query names `business_agents` `a` and
 * `businesses` `b`.
 */
export const isInGrace = sql<boolean>`agent_in_grace(a.offline_since, b.offline_grace_s)`;

/**
 * Says that an agent is available. One SQL function, of migration 0016, decides it: the agent says
 * so, and is online, or nobody knows, or their grace runs. The query names `business_agents` `a`
 * and `businesses` `b`. A query that locks the agent's row decides by the time at which it began.
 */
export const isAvailable = sql<boolean>`agent_is_available(a.status, a.offline_since,
  b.offline_grace_s)`;
