import { type Kysely, sql, type Transaction } from 'kysely';
import type { OfDevice, PushRegister } from '../../../shared/contracts/store-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { type AddressCipher, tokenOf } from '../content/address-cipher.ts';
import type { Database } from '../database/schema.ts';
import { assertNotErased } from '../erasures/assert-not-erased.ts';
import type { ErasureSecret } from '../erasures/erasure-secret.ts';
import { lockDevices, lockKeyOf } from './forget-devices.ts';
import { assertDevice } from './sign-out.ts';

type Deps = { db: Kysely<Database>; addresses: AddressCipher; secret: ErasureSecret };
type Others = { registrations: number; signed_out_at: string | null };

/**
 * `push.register` gives the token to the device. Whichever device had it before, of whomever, loses
 * its registration in the same transaction, so that no push for one person reaches another. A token
 * that comes twice at once waits, and so do registrations of one user, which are counted. The
 * devices of all users that this concerns are locked before any row is, because two phones that
 * change hands at once would wait for each other's rows.
 */
export async function registerPush(deps: Deps, request: PushRegister): Promise<void> {
  const { db, addresses, secret } = deps;
  assertDevice(request);
  const { user_id, device_id, issued_at, registration } = request;
  const { content = 'sender', quiet_hours = null, ...address } = registration;
  const [hash, ...otherHashes] = addresses.hashesOf(address);
  const hashes = [hash, ...otherHashes];
  await db.transaction().execute(async (tx) => {
    await assertNotErased(tx, secret, [user_id]);
    const tokenLock = lockKeyOf(`push ${tokenOf(address)}`);
    await sql`select pg_advisory_xact_lock(${tokenLock}::bigint)`.execute(tx);
    const losers = await findUsers(tx, hashes);
    await lockDevices(tx, user_id, ...losers);
    const others = await readOthers(tx, request, hashes);
    if (others.signed_out_at !== null && issued_at <= Date.parse(others.signed_out_at)) {
      throw new KahaError(
        'UNAUTHENTICATED',
        'The device was signed out since the token was issued',
      );
    }
    if (others.registrations >= LIMITS.registrationsMax) {
      const message = `At most ${LIMITS.registrationsMax} devices of a user are registered`;
      throw new KahaError('CONFLICT', message);
    }
    await sql`delete from push_registrations where token_hash = any(${hashes}::bytea[])
      and (user_id, device_id) <> (${user_id}, ${device_id})`.execute(tx);
    const sealed = addresses.seal(address, request);
    const quiet = quiet_hours && JSON.stringify(quiet_hours);
    await sql`
      insert into push_registrations
        (user_id, device_id, provider, token_hash, address, key_id, content, quiet_hours)
      values (${user_id}, ${device_id}, ${address.provider}, ${hash}, ${sealed},
        ${addresses.keyId}, ${content}, ${quiet}::jsonb)
      on conflict (user_id, device_id) do update set provider = excluded.provider,
        token_hash = excluded.token_hash, address = excluded.address, key_id = excluded.key_id,
        content = excluded.content, quiet_hours = excluded.quiet_hours,
        registered_at = excluded.registered_at`.execute(tx);
  });
}

/** Nobody else can get the token meanwhile, because it is locked. */
async function findUsers(tx: Transaction<Database>, hashes: readonly Buffer[]): Promise<UserId[]> {
  const { rows } = await sql<{ user_id: UserId }>`select user_id from push_registrations
    where token_hash = any(${hashes}::bytea[])`.execute(tx);
  return rows.map(({ user_id }) => user_id);
}

/** Counts the user's other registrations without the one that loses the token. */
async function readOthers(
  tx: Transaction<Database>,
  { user_id, device_id }: OfDevice,
  hashes: readonly Buffer[],
): Promise<Others> {
  const { rows } = await sql<Others>`
    select (select count(*) from push_registrations where user_id = ${user_id}
        and device_id <> ${device_id} and token_hash <> all(${hashes}::bytea[])) as registrations,
      (select signed_out_at from signed_out_devices
        where user_id = ${user_id} and device_id = ${device_id}) as signed_out_at`.execute(tx);
  return rows[0] as Others;
}

/** `push.unregister` ends the pushes to the device. Where there are none, nothing happens. */
export async function unregisterPush(db: Kysely<Database>, request: OfDevice): Promise<void> {
  assertDevice(request);
  const { user_id, device_id } = request;
  await db
    .deleteFrom('push_registrations')
    .where('user_id', '=', user_id)
    .where('device_id', '=', device_id)
    .execute();
}
