import { type Kysely, sql } from 'kysely';
import type { ListedDevice } from '../../../shared/contracts/store-ops.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { DEVICES_KEPT_MAX } from './read-devices.ts';

type Row = { device_id: string; last_seen_at: string | null; created_at: string | null } & (
  | { provider: null }
  | NonNullable<ListedDevice['push']>
);

/**
 * `devices.list` lists the devices of a user, at most 50, and those that are registered for pushes,
 * at most 20. The one that was seen last comes first.
 */
export async function listDevices(
  db: Kysely<Database>,
  userId: UserId,
): Promise<{ devices: ListedDevice[] }> {
  const { rows } = await sql<Row>`
    select device_id, last_seen_at, created_at, provider, content, registered_at
    from (select device_id, last_seen_at, created_at from devices where user_id = ${userId}
        order by last_seen_at desc, device_id limit ${DEVICES_KEPT_MAX}) as seen
      full join (select * from push_registrations where user_id = ${userId}) as registered
        using (device_id)
    order by last_seen_at desc nulls last, device_id`.execute(db);
  return { devices: rows.map(toListed) };
}

function toListed({ device_id, last_seen_at, created_at, ...push }: Row): ListedDevice {
  return {
    device_id,
    ...(last_seen_at !== null && { last_seen_at }),
    ...(created_at !== null && { created_at }),
    ...(push.provider !== null && { push }),
  };
}
