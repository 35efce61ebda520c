import { type Kysely, sql } from 'kysely';
import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Database } from '../database/schema.ts';

type Request = { business_id: BusinessId; user_ids: readonly UserId[] };

/**
 * `inbox.head` counts the inbox of a business, and tells the roles of ≤ 1000 users. It is one
 * statement, so all of it holds at the same `version`.
 */
export async function readHead(
  db: Kysely<Database>,
  { business_id, user_ids }: Request,
): Promise<InboxHead> {
  if (user_ids.length > LIMITS.agentsMax || ![business_id, ...user_ids].every(isUuidV4)) {
    throw new KahaError('INVALID_REQUEST', 'Not ids');
  }
  const users = sql`any(${user_ids}::uuid[])`;
  const inState = (state: 'waiting' | 'assigned') =>
    sql`from conversations where business_id = ${business_id} and state = ${sql.lit(state)}`;
  const { rows } = await sql<InboxHead>`
    select
      coalesce((select version from business_inboxes where business_id = ${business_id}), 0)
        as version,
      (select count(*)::int ${inState('waiting')}) as waiting,
      (select count(*)::int ${inState('assigned')}) as assigned,
      (select coalesce(json_object_agg(assignee_id, open), '{}') from (
        select assignee_id, count(*) as open ${inState('assigned')} and assignee_id = ${users}
        group by assignee_id) agents) as mine,
      (select coalesce(json_object_agg(user_id, role), '{}') from business_agents
        where business_id = ${business_id} and user_id = ${users}) as roles`.execute(db);
  return rows[0] as InboxHead;
}
