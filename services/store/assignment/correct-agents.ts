import { type Kysely, sql, type Transaction } from 'kysely';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { AgentStatus } from '../../../shared/protocol/business-requests.ts';
import type { Database } from '../database/schema.ts';
import type { AgentPresence, AgentPresences } from './agent-presence.ts';
import { makeDue } from './make-due.ts';

type Deps = { db: Kysely<Database>; presences: AgentPresences };
type Changed = { business_id: BusinessId; status: AgentStatus; has_open: boolean };
type Seen = { user_id: UserId; offline_since: string | null };

/**
 * Compares what rows say of agents with Redis, and corrects the rows that are wrong. Returns the
 * businesses in which an agent has come or gone. Where nobody knows of an agent, the row stays.
 */
export async function correctAgents(
  { db, presences }: Deps,
  agents: readonly Seen[],
): Promise<BusinessId[]> {
  const known = await presences.read([...new Set(agents.map(({ user_id }) => user_id))]);
  const wrong = agents.filter(({ user_id, offline_since }) => {
    return known.get(user_id) === (offline_since === null ? 'offline' : 'online');
  });
  const userIds = [...new Set(wrong.map(({ user_id }) => user_id))];
  return correctNow({ db, presences }, { userIds });
}

export type Look = {
  userIds: readonly UserId[];
  /** Where nobody knows of these users, they count as online. */
  benefit?: ReadonlySet<UserId>;
};

/**
 * Corrects the rows of users in all businesses. Returns the businesses in which an agent has come
 * or gone, and makes them due. An agent who says that they are offline and has no conversation is
 * left out there. One who has some, which were taken by hand, loses them when the grace ends.
 */
export async function correctNow({ db, presences }: Deps, look: Look): Promise<BusinessId[]> {
  if (look.userIds.length === 0) return [];
  return db.transaction().execute(async (tx) => {
    await sql`select from business_agents where user_id = any(${look.userIds}::uuid[])
      order by user_id, business_id for no key update`.execute(tx);
    const changed = await writePresence(tx, presences, look);
    const counted = changed.filter(({ status, has_open }) => status !== 'offline' || has_open);
    const businessIds = [...new Set(counted.map(({ business_id }) => business_id))];
    await makeDue(tx, businessIds);
    return businessIds;
  });
}

/**
 * Writes whether users are online into their rows as agents, and since when they are not. Returns
 * the rows that were wrong. With a `businessId`, it writes the rows of that business alone.
 *
 * The caller has locked the rows, and Redis is read while they are locked. So of two transactions
 * that write the presence of an agent, the later one writes what is newer, in whichever order edges
 * tell of changes.
 */
export async function writePresence(
  tx: Transaction<Database>,
  presences: AgentPresences,
  { userIds, benefit = new Set(), businessId }: Look & { businessId?: BusinessId },
): Promise<Changed[]> {
  const known = await presences.read(userIds);
  const presenceOf = (userId: UserId): AgentPresence => {
    const presence = known.get(userId) ?? 'unknown';
    return presence === 'unknown' && benefit.has(userId) ? 'online' : presence;
  };
  const online = userIds.filter((userId) => presenceOf(userId) === 'online');
  const offline = userIds.filter((userId) => presenceOf(userId) === 'offline');
  const { rows } = await sql<Changed>`
    update business_agents a
      set offline_since = case when offline_since is null then clock_timestamp() end
      where ((user_id = any(${online}::uuid[]) and offline_since is not null)
          or (user_id = any(${offline}::uuid[]) and offline_since is null))
        and business_id = coalesce(${businessId ?? null}::uuid, business_id)
      returning business_id, status, exists (select from conversations c
        where c.business_id = a.business_id and c.state = 'assigned'
          and c.assignee_id = a.user_id) as has_open`.execute(tx);
  return rows;
}
