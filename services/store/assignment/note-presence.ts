import { type Kysely, sql } from 'kysely';
import type { PresenceReport } from '../../../shared/contracts/businesses.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { AgentPresences } from './agent-presence.ts';
import { correctNow } from './correct-agents.ts';

type Deps = { db: Kysely<Database>; presences: AgentPresences };

/**
 * `agents.presence` takes what an edge has told of users. Most of them are no agents, or their rows
 * say so already, and one query finds those of whom this is news. A report may be late, so it is
 * only a reason to look at Redis.
 */
export async function notePresence(
  { db, presences }: Deps,
  { changes }: PresenceReport,
): Promise<{ business_ids: BusinessId[] }> {
  const users = changes.map(({ user_id }) => user_id);
  const areOnline = changes.map(({ is_online }) => is_online);
  const { rows } = await sql<{ user_id: UserId; is_online: boolean }>`
    select distinct c.user_id, c.is_online
      from unnest(${users}::uuid[], ${areOnline}::boolean[]) c (user_id, is_online)
      join business_agents a using (user_id)
      where (a.offline_since is null) <> c.is_online`.execute(db);
  const userIds = [...new Set(rows.map(({ user_id }) => user_id))];
  const came = rows.filter(({ is_online }) => is_online);
  const benefit = new Set(came.map(({ user_id }) => user_id));
  return { business_ids: await correctNow({ db, presences }, { userIds, benefit }) };
}
