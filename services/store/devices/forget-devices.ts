import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** Locks what users have of devices until the transaction ends, whether rows are there or not. */
export async function lockDevices(tx: Transaction<Database>, ...users: UserId[]): Promise<void> {
  // All transactions take these locks in one order, so none waits for another in a circle.
  for (const userId of [...new Set(users)].sort()) {
    await sql`select pg_advisory_xact_lock(${lockKeyOf(`devices ${userId}`)}::bigint)`.execute(tx);
  }
}

/** Returns the same number for the same name; it tells nobody the name. */
export function lockKeyOf(name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString();
}

/**
 * Forgets a device of the user with its registration, or all of them and when they were signed out.
 * The transaction must have locked the user's devices. Returns whether there was one.
 */
export async function forgetDevices(
  tx: Transaction<Database>,
  userId: UserId,
  deviceId?: string,
): Promise<boolean> {
  const isMeant =
    deviceId === undefined
      ? sql`user_id = ${userId}`
      : sql`user_id = ${userId} and device_id = ${deviceId}`;
  const { rows } = await sql<{ count: number }>`
    with registrations as (delete from push_registrations where ${isMeant} returning 1),
      gone as (delete from devices where ${isMeant} returning 1)
    select (select count(*) from registrations) + (select count(*) from gone) as count
  `.execute(tx);
  if (deviceId === undefined) {
    await sql`delete from signed_out_devices where ${isMeant}`.execute(tx);
  }
  return (rows[0]?.count ?? 0) > 0;
}
