import { type Kysely, sql } from 'kysely';
import { hoursAt } from '../../../shared/business/hours.ts';
import type { BusinessOpening } from '../../../shared/contracts/businesses.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, isUuidV4 } from '../../../shared/ids.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import { isAvailable } from '../assignment/availability.ts';
import type { Database } from '../database/schema.ts';

const IDS_MAX = 200;

/**
 * `businesses.openings` tells of businesses, in the order of their ids in the request, whether they
 * are open and somebody is available, and for how long that holds if nobody changes anything.
 */
export async function readOpenings(
  db: Kysely<Database>,
  ids: readonly BusinessId[],
): Promise<{ businesses: BusinessOpening[] }> {
  if (ids.length > IDS_MAX || !ids.every(isUuidV4)) {
    throw new KahaError('INVALID_REQUEST', 'Not ids');
  }
  const rows = await readStaffed(db, ids);
  const staffed = new Map(rows.map((row) => [row.business_id, row]));
  const businesses = ids.map((business_id) => {
    const row = staffed.get(business_id);
    return row === undefined ? { business_id, is_online: false } : toOpening(row);
  });
  return { businesses };
}

type Staffed = {
  business_id: BusinessId;
  time_zone: string;
  hours: NonNullable<BusinessSettings['hours']> | null;
  exceptions: NonNullable<BusinessSettings['exceptions']>;
  /** The clock of the database decides, as it does where conversations are given out. */
  now_ms: number;
  is_staffed: boolean | null;
  /** Nobody is available after this, because all who are available now are offline. */
  graces_end_in_ms: number | null;
};

/** Finds for each business whether an agent is available, and until when its graces run. */
async function readStaffed(db: Kysely<Database>, ids: readonly BusinessId[]): Promise<Staffed[]> {
  const { rows } = await sql<Staffed>`
    select b.business_id, b.time_zone, b.hours, b.exceptions, agents.*,
        floor(extract(epoch from statement_timestamp()) * 1000)::float8 as now_ms
      from businesses b
      cross join lateral (
        select bool_or(${isAvailable}) as is_staffed,
            case when not bool_or(a.offline_since is null) then
              (extract(epoch from max(a.offline_since) - statement_timestamp()
                + b.offline_grace_s * interval '1 second') * 1000)::float8
            end as graces_end_in_ms
          from business_agents a where a.business_id = b.business_id and a.status = 'available'
      ) agents
      where b.business_id = any(${ids}::uuid[])`.execute(db);
  return rows;
}

function toOpening(row: Staffed): BusinessOpening {
  const { business_id, time_zone, exceptions, hours, is_staffed, graces_end_in_ms } = row;
  const { now_ms: nowMs } = row;
  const settings = { time_zone, exceptions, ...(hours !== null && { hours }) };
  const { isOpen, changesAtMs } = hoursAt(settings, nowMs);
  const ends = [
    ...(changesAtMs === undefined ? [] : [changesAtMs - nowMs]),
    ...(is_staffed === true && graces_end_in_ms !== null ? [Math.ceil(graces_end_in_ms)] : []),
  ];
  const opens = !isOpen && changesAtMs !== undefined;
  return {
    business_id,
    is_online: isOpen && is_staffed === true,
    ...(opens && { opens_at: new Date(changesAtMs).toISOString() }),
    ...(ends.length > 0 && { changes_in_ms: Math.max(0, Math.min(...ends)) }),
  };
}
