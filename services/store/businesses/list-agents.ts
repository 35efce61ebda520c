import { type Kysely, sql, type Transaction } from 'kysely';
import type { AgentRecord, AgentsList, AgentsPage } from '../../../shared/contracts/businesses.ts';
import { type BusinessId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { isAvailable } from '../assignment/availability.ts';
import type { Database } from '../database/schema.ts';
import { decodeCursor, encodeCursor } from '../records/opaque-cursor.ts';
import { judgeReader } from './business-rights.ts';

/**
 * `businesses.agents` lists agents and managers by user id. One snapshot judges the asker and gives
 * the page, so nobody reads who was removed before.
 */
export async function listAgents(
  db: Kysely<Database>,
  { asker, business_id, limit, cursor }: AgentsList,
): Promise<AgentsPage> {
  const list = listOf({ asker, business_id });
  const [after] = cursor === undefined ? [] : decodeCursor(list, cursor, [isUuidV4]);
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  return snapshot.execute(async (tx) => {
    const business = await tx
      .selectFrom('businesses')
      .select('business_id')
      .where('business_id', '=', business_id)
      .executeTakeFirst();
    const own = asker === 'service' ? undefined : await selectAgent(tx, business_id, asker);
    judgeReader(asker, { isThere: business !== undefined, isAgent: own !== undefined });
    const page = { asker, business_id, limit, after: after as UserId | undefined };
    return readAgentsPage(tx, page);
  });
}

type Asked = Pick<AgentsList, 'asker' | 'business_id'>;
type Page = Asked & { limit?: number | undefined; after?: UserId | undefined };

export async function readAgentsPage(
  tx: Transaction<Database>,
  { asker, business_id, limit = LIMITS.pageLimitDefault, after }: Page,
): Promise<AgentsPage> {
  const rows = await selectAgents(tx, business_id)
    .$if(after !== undefined, (query) => query.where('a.user_id', '>', after as UserId))
    .orderBy('a.user_id')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = shown.at(-1)?.user_id;
  const isLast = rows.length <= limit || last === undefined;
  const next_cursor = isLast ? null : encodeCursor(listOf({ asker, business_id }), [last]);
  return { agents: shown.map(toAgentRecord), next_cursor };
}

function listOf({ asker, business_id }: Asked): string {
  return `agents ${asker} ${business_id}`;
}

export async function selectAgent(
  tx: Transaction<Database>,
  businessId: BusinessId,
  userId: UserId,
): Promise<AgentRecord | undefined> {
  const row = await selectAgents(tx, businessId).where('a.user_id', '=', userId).executeTakeFirst();
  return row && toAgentRecord(row);
}

function selectAgents(tx: Transaction<Database>, businessId: BusinessId) {
  return tx
    .selectFrom('business_agents as a')
    .innerJoin('businesses as b', 'b.business_id', 'a.business_id')
    .where('a.business_id', '=', businessId)
    .select(['a.user_id', 'a.role', 'a.capacity', 'a.status', isAvailable.as('is_available')])
    .select(
      sql<number>`(select count(*) from conversations c where c.business_id = a.business_id
        and c.assignee_id = a.user_id and c.state = 'assigned')`.as('open'),
    );
}

type AgentRow = Omit<AgentRecord, 'capacity'> & { capacity: number | null };

function toAgentRecord({ capacity, ...rest }: AgentRow): AgentRecord {
  return { ...rest, ...(capacity !== null && { capacity }) };
}
