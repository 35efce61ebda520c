import t from 'tap';
import type { DeviceSeen } from '../../../shared/contracts/store-ops.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { setStage } from '../stage/store-stage.ts';
import { forgetDevices, lockDevices } from './forget-devices.ts';

const { store, open, sql } = await setStage(t);
const { operations } = store;

const see = (...items: DeviceSeen[]) => operations['devices.seen']({ items }, 0);
const signOut = (user_id: UserId, device_id: string, has_queue = false) =>
  operations['devices.sign_out']({ user_id, device_id, has_queue }, 0);
const signedOutAt = async (user_id: UserId, device_id: string) =>
  (await operations['devices.signed_out']({ user_id, device_id }, 0)).signed_out_at;
const register = (user_id: UserId, device_id: string, token = newId<string>()) =>
  operations['push.register'](
    { user_id, device_id, issued_at: Date.now(), registration: { provider: 'fcm', token } },
    0,
  );
const listOf = async (user_id: UserId) =>
  (await operations['devices.list']({ user_id }, 0)).devices;
const namesOf = async (userId: UserId) => (await listOf(userId)).map(({ device_id }) => device_id);

t.test('a device that is signed out is gone with its registration, and others stay', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await see([ann, 'phone', 20_000], [ann, 'tablet', 30_000], [bob, 'phone', 0]);
  await register(ann, 'phone');
  await register(bob, 'phone');
  t.same(await signOut(ann, 'phone'), { signed_out: true });
  t.same(await namesOf(ann), ['tablet']);
  t.match(await listOf(bob), [{ device_id: 'phone', push: { provider: 'fcm' } }]);
  t.ok(Math.abs(Date.parse((await signedOutAt(ann, 'phone')) ?? '') - Date.now()) < 5_000);
  t.equal(await signedOutAt(ann, 'tablet'), undefined);
  t.equal(await signedOutAt(bob, 'phone'), undefined);
});

t.test('a device that nobody knows cannot be signed out, nor one of somebody else', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await see([ann, 'phone', 0]);
  t.same(await signOut(bob, 'phone'), { signed_out: false });
  t.same(await signOut(ann, 'tablet'), { signed_out: false });
  t.equal(await signedOutAt(bob, 'phone'), undefined, 'nothing is noted');
  t.same(await namesOf(ann), ['phone']);
});

t.test('a device is known by its row, by its registration or by its queue alone', async (t) => {
  const ann = newId<UserId>();
  await register(ann, 'registered');
  t.same(await signOut(ann, 'registered'), { signed_out: true });
  t.same(await signOut(ann, 'registered'), { signed_out: false }, 'it is gone');
  t.same(await signOut(ann, 'queued', true), { signed_out: true });
  t.same(await namesOf(ann), []);
});

t.test(
  'the end of its last session does not bring a device back, but a new one does',
  async (t) => {
    const ann = newId<UserId>();
    await see([ann, 'phone', 1_000]);
    await signOut(ann, 'phone');
    await see([ann, 'phone', 0], [ann, 'tablet', 0]);
    t.same(await namesOf(ann), ['tablet']);
    await sql(`update signed_out_devices set signed_out_at = now() - interval '11 seconds'`);
    await see([ann, 'phone', 10_500]);
    t.same(await namesOf(ann), ['tablet'], 'the edge tells of that session late');
    await see([ann, 'phone', 0]);
    t.same((await namesOf(ann)).sort(), ['phone', 'tablet']);
    t.not(await signedOutAt(ann, 'phone'), undefined, 'older tokens stay refused');
  },
);

t.test(
  'a session with a token from before never brings its device back, however late',
  async (t) => {
    const ann = newId<UserId>();
    await see([ann, 'phone', 1_000]);
    await signOut(ann, 'phone');
    await sql(
      `update signed_out_devices set signed_out_at = now() - interval '1 day'
    where user_id = $1`,
      [ann],
    );
    const at = Date.parse((await signedOutAt(ann, 'phone')) ?? '');
    for (const issuedAt of [0, at - 1, at]) await see([ann, 'phone', 0, issuedAt]);
    t.same(await namesOf(ann), [], 'its edge was cut off for long');
    await see([ann, 'phone', 0, at - 1], [ann, 'phone', 86_390_000, at + 1]);
    t.same(await namesOf(ann), ['phone'], 'a token from after it has been there at once');
  },
);

t.test('of many sign-outs of one device at once, one finds it', async (t) => {
  const ann = newId<UserId>();
  const other = open();
  await see([ann, 'phone', 0]);
  const request = { user_id: ann, device_id: 'phone', has_queue: false };
  const answers = await Promise.all(
    [store, other, store, other, store].map((one) =>
      one.operations['devices.sign_out'](request, 0),
    ),
  );
  t.equal(answers.filter(({ signed_out }) => signed_out).length, 1);
});

t.test('the newest 200 sign-outs of a user are kept', async (t) => {
  const ann = newId<UserId>();
  await sql(
    `insert into signed_out_devices select $1, 'd' || n, now() - n * interval '1 minute'
     from generate_series(1, 230) n`,
    [ann],
  );
  await signOut(ann, 'phone', true);
  const [row] = await sql<{ count: number }>(
    'select count(*) from signed_out_devices where user_id = $1',
    [ann],
  );
  t.equal(row?.count, 200);
  t.not(await signedOutAt(ann, 'd199'), undefined);
  t.equal(await signedOutAt(ann, 'd200'), undefined);
});

t.test('a list has devices that are registered alone, and at most 50 others', async (t) => {
  const ann = newId<UserId>();
  const items = Array.from({ length: 60 }, (_, n): DeviceSeen => [ann, `d${n}`, n * 1_000]);
  await see(...items);
  await register(ann, 'd0');
  await register(ann, 'away');
  const devices = await listOf(ann);
  t.equal(devices.length, 51);
  t.match(devices[0], { device_id: 'd0', push: { content: 'sender' } });
  t.same(Object.keys(devices.at(-1) ?? {}), ['device_id', 'push']);
});

t.test('sign-outs and registrations that are 400 days old are forgotten', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await signOut(ann, 'old', true);
  await see([bob, 'seen', 0]);
  for (const device of ['seen', 'gone']) await register(bob, device);
  const old = `now() - interval '401 days'`;
  await sql(`update signed_out_devices set signed_out_at = ${old} where user_id = $1`, [ann]);
  await sql(`update push_registrations set registered_at = ${old} where user_id = $1`, [bob]);
  t.ok((await operations['devices.prune']({ limit: 1_000 }, 0)).deleted >= 2);
  t.equal(await signedOutAt(ann, 'old'), undefined);
  t.same(await namesOf(bob), ['seen'], 'a device that is used keeps its registration');
});

t.test('all that is kept of the devices of a user can be forgotten at once', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  for (const user of [ann, bob]) {
    await see([user, 'phone', 20_000], [user, 'tablet', 20_000]);
    await register(user, 'tablet');
    await signOut(user, 'phone');
  }
  const forget = (): Promise<boolean> =>
    store.db.transaction().execute(async (tx) => {
      await lockDevices(tx, ann);
      return forgetDevices(tx, ann);
    });
  t.equal(await forget(), true);
  t.equal(await forget(), false);
  for (const table of ['devices', 'push_registrations', 'signed_out_devices']) {
    const rows = await sql<{ user_id: UserId }>(
      `select user_id from ${table} where user_id = any($1)`,
      [[ann, bob]],
    );
    t.same(
      rows.map(({ user_id }) => user_id),
      [bob],
      table,
    );
  }
});

t.test('malformed requests are refused', async (t) => {
  const bad = [
    { user_id: 'x' as UserId, device_id: 'phone' },
    { user_id: newId<UserId>(), device_id: 'no/device' },
  ];
  for (const request of bad) {
    const code = { code: 'INVALID_REQUEST' };
    await t.rejects(operations['devices.sign_out']({ ...request, has_queue: true }, 0), code);
    await t.rejects(operations['devices.signed_out'](request, 0), code);
    await t.rejects(operations['push.unregister'](request, 0), code);
  }
});
