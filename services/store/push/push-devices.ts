import { type Kysely, type Selectable, sql } from 'kysely';
import type { PushDevice, PushSettled } from '../../../shared/contracts/pushes/push-facts.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { AddressCipher } from '../content/address-cipher.ts';
import type { Database } from '../database/schema.ts';
import { assertDevice } from '../devices/sign-out.ts';

export type PushDeps = { db: Kysely<Database>; addresses: AddressCipher; logger: Logger };

type Row = Omit<Selectable<Database['push_registrations']>, 'token_hash' | 'provider'>;

/** The map has the registered devices of each user who has any, at most 20. */
export async function selectPushDevices(
  { db, addresses, logger }: PushDeps,
  userIds: readonly UserId[],
): Promise<Map<UserId, PushDevice[]>> {
  const { rows } = await sql<Row>`
    select user_id, device_id, address, key_id, content, quiet_hours, registered_at
    from push_registrations where user_id = any(${[...new Set(userIds)]}::uuid[])
    order by user_id, device_id`.execute(db);
  const devices = new Map<UserId, PushDevice[]>();
  for (const row of rows) {
    try {
      const device = toPushDevice(row, addresses);
      devices.set(row.user_id, [...(devices.get(row.user_id) ?? []), device]);
    } catch (error) {
      logger.error({ err: error, device_id: row.device_id }, 'address of a device not readable');
    }
  }
  return devices;
}

function toPushDevice(row: Row, addresses: AddressCipher): PushDevice {
  const { device_id, address, key_id, content, quiet_hours, registered_at } = row;
  return {
    ...{ device_id, content, registered_at },
    address: addresses.open(address, key_id, row),
    ...(quiet_hours !== null && { quiet_hours }),
  };
}

/**
 * `push.settle` carries out what a provider said of a registration: it is gone, or its token
 * belongs to the other environment. One that was made since is another one, and stays as it is.
 */
export async function settlePush({ db, addresses }: PushDeps, settled: PushSettled): Promise<void> {
  assertDevice(settled);
  const { user_id, device_id, registered_at, outcome } = settled;
  const isMeant = sql`user_id = ${user_id} and device_id = ${device_id}
    and registered_at = ${registered_at}::timestamptz`;
  if (outcome === 'gone') {
    await sql`delete from push_registrations where ${isMeant}`.execute(db);
    return;
  }
  const { rows } = await sql<Pick<Row, 'address' | 'key_id'>>`
    select address, key_id from push_registrations where ${isMeant}`.execute(db);
  const [row] = rows;
  if (row === undefined) return;
  const address = addresses.open(row.address, row.key_id, settled);
  if (address.provider !== 'apns') return;
  const sealed = addresses.seal({ ...address, environment: outcome.environment }, settled);
  await sql`update push_registrations set address = ${sealed}, key_id = ${addresses.keyId}
    where ${isMeant} and key_id = ${row.key_id} and address = ${row.address}`.execute(db);
}
