import t from 'tap';
import type { DeviceSeen } from '../../../shared/contracts/store-ops.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { setStage } from '../stage/store-stage.ts';

const DAY_MS = 86_400_000;

const { store, open, sql } = await setStage(t);
const other = open();
const { operations } = store;

const see = (...items: DeviceSeen[]) => operations['devices.seen']({ items }, 0);
const devicesOf = async (userId: UserId) =>
  (await operations['devices.of']({ user_id: userId }, 0)).devices;
const namesOf = async (userId: UserId) =>
  (await devicesOf(userId)).map(({ device_id }) => device_id);

/** Returns how long ago Postgres says that the device was seen. */
async function agoMs(userId: UserId, deviceId: string): Promise<number> {
  const [row] = await sql<{ ago: string }>(
    `select extract(epoch from now() - last_seen_at) * 1000 as ago from devices
     where user_id = $1 and device_id = $2`,
    [userId, deviceId],
  );
  return Number(row?.ago);
}

const isNear = (actual: number, expected: number): boolean =>
  actual >= expected - 1 && actual < expected + 5_000;

t.test('the devices of a user come back, the one that was seen last first', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await see([ann, 'old', 3_000], [ann, 'new', 1_000], [bob, 'phone', 0], [ann, 'middle', 2_000]);
  t.same(await namesOf(ann), ['new', 'middle', 'old']);
  const [phone] = await devicesOf(bob);
  t.ok(Date.parse(phone?.last_seen_at ?? '') <= Date.parse(phone?.created_at ?? ''));
  t.same(await namesOf(newId<UserId>()), []);
});

t.test('a time only rises, whatever comes late or twice', async (t) => {
  const ann = newId<UserId>();
  await see([ann, 'phone', 60_000]);
  await see([ann, 'phone', 3_600_000]);
  t.ok(isNear(await agoMs(ann, 'phone'), 60_000), 'an older time changes nothing');
  await see([ann, 'phone', 30_000], [ann, 'phone', 10_000], [ann, 'phone', 20_000]);
  t.ok(isNear(await agoMs(ann, 'phone'), 10_000), 'of one device the last time counts');
});

t.test('no age puts a device into the future or before all others for ever', async (t) => {
  const ann = newId<UserId>();
  await see([ann, 'ahead', -3_600_000], [ann, 'ancient', Number.MAX_VALUE]);
  t.ok(isNear(await agoMs(ann, 'ahead'), 0));
  t.ok(isNear(await agoMs(ann, 'ancient'), 400 * DAY_MS));
});

t.test('a row of the future falls to now once its device is seen', async (t) => {
  const ann = newId<UserId>();
  await see([ann, 'phone', 0]);
  await sql(`update devices set last_seen_at = now() + interval '20 days' where user_id = $1`, [
    ann,
  ]);
  await see([ann, 'phone', 0]);
  t.ok(isNear(await agoMs(ann, 'phone'), 0));
});

t.test('a device that is seen again keeps the time of its creation', async (t) => {
  const ann = newId<UserId>();
  await see([ann, 'phone', 0]);
  const [first] = await devicesOf(ann);
  await see([ann, 'phone', 0]);
  const [second] = await devicesOf(ann);
  t.equal(second?.created_at, first?.created_at);
});

t.test('a user keeps the 50 devices that were seen last', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await see([bob, 'phone', DAY_MS]);
  const items = Array.from({ length: 70 }, (_, n): DeviceSeen => [ann, `d${n}`, n * 1_000]);
  await see(...items);
  const kept = items.slice(0, 50).map(([, deviceId]) => deviceId);
  t.same(await namesOf(ann), kept);
  const [row] = await sql<{ count: number }>('select count(*) from devices where user_id = $1', [
    ann,
  ]);
  t.equal(row?.count, 50);
  t.same(await namesOf(bob), ['phone'], 'others lose nothing');
});

t.test('stores that note the same devices in opposite orders do not lock each other', async (t) => {
  const users = Array.from({ length: 500 }, () => newId<UserId>());
  const items = users.map((userId, n): DeviceSeen => [userId, 'phone', n]);
  for (let round = 0; round < 10; round += 1) {
    const later = items.map(([userId, id]): DeviceSeen => [userId, id, 10 - round]);
    await Promise.all([
      operations['devices.seen']({ items: later }, 0),
      other.operations['devices.seen']({ items: later.toReversed() }, 0),
    ]);
  }
  t.same(await namesOf(users[0] as UserId), ['phone']);
});

t.test('a list that is too long or malformed is refused as a whole', async (t) => {
  const ann = newId<UserId>();
  const many = Array.from({ length: 1_001 }, (_, n): DeviceSeen => [ann, `d${n}`, 0]);
  const bad: DeviceSeen[][] = [
    many,
    [[ann, 'no/device', 0]],
    [
      [ann, 'phone', 0],
      ['no user' as UserId, 'phone', 0],
    ],
    [[ann, 'phone', Number.NaN]],
    [[ann, 'phone', 0, Number.NaN]],
  ];
  for (const items of bad) await t.rejects(see(...items), { code: 'INVALID_REQUEST' });
  t.same(await namesOf(ann), []);
});

t.test('devices that nobody has seen for 400 days are forgotten in batches', async (t) => {
  const users = Array.from({ length: 5 }, () => newId<UserId>());
  await see(...users.map((userId): DeviceSeen => [userId, 'phone', 0]));
  await sql('update devices set last_seen_at = now() - $1::interval where user_id = any($2)', [
    '400 days 1 hour',
    users.slice(0, 3),
  ]);
  const prune = (limit: number) => operations['devices.prune']({ limit }, 0);
  t.ok((await prune(2)).deleted === 2);
  t.ok((await prune(2)).deleted >= 1);
  const left = await Promise.all(users.map(namesOf));
  t.same(left, [[], [], [], ['phone'], ['phone']]);
});

t.test('a thousand devices that were known are noted in a few milliseconds', async (t) => {
  const items = Array.from({ length: 1_000 }, (): DeviceSeen => [newId<UserId>(), 'phone', 500]);
  await see(...items);
  const startedAt = performance.now();
  await see(...items.map(([userId, id]): DeviceSeen => [userId, id, 0]));
  const tookMs = performance.now() - startedAt;
  t.comment(`${tookMs.toFixed(1)} ms`);
  t.ok(tookMs < 1_000);
});
