import type { Kysely } from 'kysely';
import { hoursAt } from '../../../shared/business/hours.ts';
import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** The agents of so many businesses (≤ 1000 each) fit into one answer. */
const IDS_MAX = 16;

/**
 * `businesses.openings` tells of businesses, in the order of their ids in the request, whether they
 * are open at `nowMs`, and who of their agents then takes conversations.
 */
export async function readOpenings(
  db: Kysely<Database>,
  ids: readonly BusinessId[],
  nowMs: number,
): Promise<{ businesses: BusinessOpening[] }> {
  if (ids.length > IDS_MAX || !ids.every(isUuidV4)) {
    throw new KahaError('INVALID_REQUEST', 'Not ids');
  }
  if (ids.length === 0) return { businesses: [] };
  const rows = await db
    .selectFrom('businesses')
    .select(['business_id', 'time_zone', 'hours', 'exceptions'])
    .where('business_id', 'in', ids)
    .execute();
  const openings = new Map(
    rows.map(({ business_id, hours, ...rest }) => [
      business_id,
      hoursAt({ ...rest, ...(hours !== null && { hours }) }, nowMs),
    ]),
  );
  const open = ids.filter((id) => openings.get(id)?.isOpen === true);
  const agents = await readAvailable(db, open);
  const businesses = ids.map((business_id) => {
    const { isOpen = true, changesAtMs } = openings.get(business_id) ?? {};
    const opensAtMs = isOpen ? undefined : changesAtMs;
    return {
      business_id,
      ...(opensAtMs !== undefined && { opens_at: new Date(opensAtMs).toISOString() }),
      agents: agents.get(business_id) ?? [],
    };
  });
  return { businesses };
}

async function readAvailable(
  db: Kysely<Database>,
  ids: readonly BusinessId[],
): Promise<Map<BusinessId, UserId[]>> {
  const agents = new Map<BusinessId, UserId[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return agents;
  const rows = await db
    .selectFrom('business_agents')
    .select(['business_id', 'user_id'])
    .where('business_id', 'in', ids)
    .where('status', '=', 'available')
    .orderBy('status_at', 'desc')
    .execute();
  for (const { business_id, user_id } of rows) agents.get(business_id)?.push(user_id);
  return agents;
}
