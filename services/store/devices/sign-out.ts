import { type Kysely, sql, type Transaction } from 'kysely';
import type { DeviceSignOut, OfDevice } from '../../../shared/contracts/store-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isDeviceId, isUuidV4 } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { assertNotErased } from '../erasures/assert-not-erased.ts';
import type { ErasureSecret } from '../erasures/erasure-secret.ts';
import { forgetDevices, lockDevices } from './forget-devices.ts';

type Deps = { db: Kysely<Database>; secret: ErasureSecret };

/**
 * A user's latest sign-outs are kept. Whoever has a token can name another device, so forgetting
 * one opens nothing that was closed.
 */
const SIGN_OUTS_KEPT_MAX = 200;

/**
 * `devices.sign_out` forgets a device and its registration, and notes when. A device that store has
 * not heard of is known still if it has a queue.
 */
export async function signOut(
  { db, secret }: Deps,
  { user_id, device_id, has_queue }: DeviceSignOut,
): Promise<{ signed_out: boolean }> {
  assertDevice({ user_id, device_id });
  return db.transaction().execute(async (tx) => {
    await assertNotErased(tx, secret, [user_id]);
    await lockDevices(tx, user_id);
    const wasKnown = await forgetDevices(tx, user_id, device_id);
    if (!wasKnown && !has_queue) return { signed_out: false };
    await noteSignOut(tx, { user_id, device_id });
    return { signed_out: true };
  });
}

/** The time is that of the clock, because the transaction may have waited for another. */
async function noteSignOut(
  tx: Transaction<Database>,
  { user_id, device_id }: OfDevice,
): Promise<void> {
  await sql`insert into signed_out_devices (user_id, device_id, signed_out_at)
    values (${user_id}, ${device_id}, clock_timestamp())
    on conflict (user_id, device_id) do update set signed_out_at = excluded.signed_out_at
  `.execute(tx);
  await sql`delete from signed_out_devices where user_id = ${user_id} and device_id in (
      select device_id from signed_out_devices where user_id = ${user_id}
      order by signed_out_at desc, device_id offset ${SIGN_OUTS_KEPT_MAX})`.execute(tx);
}

/** `devices.signed_out` tells when the device was signed out last, if it ever was. */
export async function readSignOut(
  db: Kysely<Database>,
  { user_id, device_id }: OfDevice,
): Promise<{ signed_out_at?: string }> {
  assertDevice({ user_id, device_id });
  const row = await db
    .selectFrom('signed_out_devices')
    .select('signed_out_at')
    .where('user_id', '=', user_id)
    .where('device_id', '=', device_id)
    .executeTakeFirst();
  return row ?? {};
}

export function assertDevice({ user_id, device_id }: OfDevice): void {
  if (isUuidV4(user_id) && isDeviceId(device_id)) return;
  throw new KahaError('INVALID_REQUEST', 'Not a device');
}
