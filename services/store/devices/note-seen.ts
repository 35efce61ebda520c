import { DEVICES_SEEN_MAX, type DeviceSeen } from '../../../shared/contracts/store-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isDeviceId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import type { Pool } from '../database/pool.ts';
import type { ErasureSecret } from '../erasures/erasure-secret.ts';
import { DEVICES_KEPT_MAX } from './read-devices.ts';

/** Store keeps no device that was last seen before this, so no age needs to be greater. */
const AGO_MAX_MS = 400 * 86_400_000;

/** The session of a device that is signed out has ended after this time, as a rule. */
const ENDING_MS = 10_000;

/**
 * The time of a row is by the clock of Postgres alone, and only rises. A row whose time lies in the
 * future, because that clock went back, falls to now. The rows are locked in the order of their
 * key, so that two batches never wait for each other. A row that stays as it is is not written.
 *
 * A session with a token from before the sign-out of its device brings the device back at no time:
 * an edge that is cut off from NATS hears of the sign-out late, and the client may have left by
 * then. Where an edge does not tell of the token, reports that come soon after the sign-out are
 * those of the session that it ended.
 */
const NOTE_SEEN = `
with told as (
  select user_id, device_id,
    now() - least(greatest(min(ago_ms), 0), ${AGO_MAX_MS}) * interval '1 millisecond' as at,
    max(issued_at) as issued_at
  from unnest($1::uuid[], $2::text[], $3::float8[], $4::bytea[], $5::float8[])
    as told (user_id, device_id, ago_ms, hash, issued_at)
  where not exists (select from erased_users e where e.hash = told.hash)
  group by user_id, device_id order by user_id, device_id
), noted as (
  insert into devices as d (user_id, device_id, last_seen_at)
    select user_id, device_id, at from told left join signed_out_devices s
      using (user_id, device_id)
    where s.signed_out_at is null or case when issued_at is null
      then at > s.signed_out_at + interval '${ENDING_MS} milliseconds'
      else issued_at > extract(epoch from s.signed_out_at) * 1000 end
    order by user_id, device_id
  on conflict (user_id, device_id) do update
    set last_seen_at = least(greatest(d.last_seen_at, excluded.last_seen_at), now())
    where d.last_seen_at < excluded.last_seen_at or d.last_seen_at > now()
  returning user_id, created_at = now() as is_new
)
select distinct user_id from noted where is_new`;

/** Forgets the devices that a user has beyond the bound, those that were not seen for longest. */
const FORGET_SURPLUS = `
with surplus as materialized (
  select d.user_id, d.device_id from devices d join (
    select user_id, device_id,
      row_number() over (partition by user_id order by last_seen_at desc, device_id) as place
    from devices where user_id = any($1::uuid[])
  ) ranked using (user_id, device_id)
  where ranked.place > ${DEVICES_KEPT_MAX}
  order by d.user_id, d.device_id for update of d skip locked
)
delete from devices d using surplus s
  where d.user_id = s.user_id and d.device_id = s.device_id`;

type Deps = { pool: Pool; secret: ErasureSecret };

/**
 * `devices.seen` notes when devices were there last. A device that is new makes its user's least
 * recently seen ones go beyond 50. Nothing is noted of users who were erased.
 */
export function createNoteSeen({ pool, secret }: Deps) {
  return async ({ items }: { items: readonly DeviceSeen[] }): Promise<undefined> => {
    if (items.length > DEVICES_SEEN_MAX || !items.every(isGood)) {
      throw new KahaError('INVALID_REQUEST', 'Not a list of devices');
    }
    const withNew = await pool.query<{ user_id: UserId }>(NOTE_SEEN, [
      items.map(([userId]) => userId),
      items.map(([, deviceId]) => deviceId),
      items.map(([, , agoMs]) => agoMs),
      await Promise.all(items.map(([userId]) => secret.hashOf(userId))),
      items.map(([, , , issuedAt]) => issuedAt ?? null),
    ]);
    if (withNew.length === 0) return;
    await pool.query(FORGET_SURPLUS, [withNew.map(({ user_id }) => user_id)]);
  };
}

function isGood([userId, deviceId, agoMs, issuedAt = 0]: DeviceSeen): boolean {
  const areNumbers = Number.isFinite(agoMs) && Number.isFinite(issuedAt);
  return isUuidV4(userId) && isDeviceId(deviceId) && areNumbers;
}
