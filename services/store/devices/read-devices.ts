import type { DeviceRecord } from '../../../shared/contracts/store-ops.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';

/** A user may have 10 devices with a queue. The rest were used before. */
export const DEVICES_KEPT_MAX = 50;

const OF_USER = `select device_id, last_seen_at, created_at from devices
  where user_id = $1 order by last_seen_at desc, device_id limit ${DEVICES_KEPT_MAX}`;

/** `devices.of` lists the devices of a user, the one that was seen last first. */
export async function readDevices(
  pool: Pool,
  userId: UserId,
): Promise<{ devices: DeviceRecord[] }> {
  return { devices: await pool.query<DeviceRecord>(OF_USER, [userId]) };
}
