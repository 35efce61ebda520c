import { randomBytes } from 'node:crypto';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { PushRegistration } from '../../../shared/protocol/devices/device-requests.ts';
import { createAddressCipher } from '../content/address-cipher.ts';
import type { ContentKey } from '../content/content-keys.ts';
import { contentKeys, openStore, type StoreParts, setStage } from '../stage/store-stage.ts';

const { url, store, open, sql } = await setStage(t);
const other = open();
const [k1] = contentKeys as [ContentKey];

const apns = (token = randomBytes(32).toString('hex')): PushRegistration => ({
  ...{ provider: 'apns', token, topic: 'app.example', environment: 'production' },
});
const fcm = (token = `fcm:${newId<string>()}`): PushRegistration => ({ provider: 'fcm', token });
const webpush = (endpoint = `https://push.example/${newId<string>()}`): PushRegistration => ({
  provider: 'webpush',
  subscription: { endpoint, keys: { p256dh: 'B'.repeat(87), auth: 'a'.repeat(22) } },
});

type Device = [UserId, string];
const register = (
  [user_id, device_id]: Device,
  registration: PushRegistration,
  { by = store, issuedAt = Date.now() }: { by?: StoreParts; issuedAt?: number } = {},
) => by.operations['push.register']({ user_id, device_id, issued_at: issuedAt, registration }, 0);

/** Returns the registrations of the user, each as `device provider`. */
async function registeredOf(user_id: UserId): Promise<string[]> {
  const { devices } = await store.operations['devices.list']({ user_id }, 0);
  const registered = devices.filter(({ push }) => push !== undefined);
  return registered.map(({ device_id, push }) => `${device_id} ${push?.provider}`).sort();
}

t.test('a device is registered with each provider, and the newest counts', async (t) => {
  const ann = newId<UserId>();
  for (const one of [apns(), fcm(), webpush()]) {
    await register([ann, 'phone'], one);
    t.same(await registeredOf(ann), [`phone ${one.provider}`]);
  }
  const { devices } = await store.operations['devices.list']({ user_id: ann }, 0);
  t.match(devices, [{ push: { content: 'sender' } }]);
  await register([ann, 'phone'], { ...fcm(), content: 'none' });
  const after = await store.operations['devices.list']({ user_id: ann }, 0);
  t.match(after.devices, [{ push: { content: 'none' } }]);
});

t.test('a token that another device registers moves, whomever that device is of', async (t) => {
  for (const make of [apns, fcm, webpush]) {
    const [ann, bob] = [newId<UserId>(), newId<UserId>()];
    const one = make();
    await register([ann, 'phone'], one);
    await register([ann, 'tablet'], one);
    t.same(await registeredOf(ann), [`tablet ${one.provider}`]);
    await register([bob, 'phone'], one);
    t.same(await registeredOf(ann), []);
    t.same(await registeredOf(bob), [`phone ${one.provider}`]);
  }
});

t.test('a token that is written otherwise is the same token', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await register([ann, 'phone'], apns('ab'.repeat(32)));
  await register([bob, 'phone'], apns('AB'.repeat(32)));
  await register([ann, 'laptop'], webpush('https://push.example:443/x/../y'));
  await register([bob, 'laptop'], webpush('https://PUSH.example/y'));
  t.same(await registeredOf(ann), []);
  t.equal((await registeredOf(bob)).length, 2);
});

t.test('of users who register one token at once, one has it in the end', async (t) => {
  const users = Array.from({ length: 6 }, () => newId<UserId>());
  for (let round = 0; round < 5; round += 1) {
    const one = fcm();
    await Promise.all(
      users.map((user, n) => register([user, 'phone'], one, { by: n % 2 === 0 ? store : other })),
    );
    const all = await Promise.all(users.map(registeredOf));
    t.equal(all.flat().length, 1);
  }
});

t.test('two phones that change hands at once do not wait for each other for ever', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const [one, two] = [fcm(), fcm()];
  for (let round = 0; round < 10; round += 1) {
    const [first, second] = round % 2 === 0 ? [one, two] : [two, one];
    await Promise.all([register([ann, 'a'], first), register([bob, 'b'], second, { by: other })]);
  }
  t.equal((await registeredOf(ann)).length + (await registeredOf(bob)).length, 2);
});

t.test('a user has 20 registered devices, and no 21st even if many come at once', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  for (let n = 0; n < 18; n += 1) await register([ann, `d${n}`], fcm());
  const settled = await Promise.allSettled(
    Array.from({ length: 5 }, (_, n) =>
      register([ann, `more-${n}`], fcm(), { by: n % 2 === 0 ? store : other }),
    ),
  );
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  t.same(refused, Array(3).fill('CONFLICT'));
  const [first] = await registeredOf(ann);
  const known = first?.split(' ')[0] as string;
  await register([ann, known], fcm());
  t.equal((await registeredOf(ann)).length, 20, 'one of them registers again');
  const moving = fcm();
  await register([ann, known], moving);
  await register([ann, 'new'], moving);
  t.equal((await registeredOf(ann)).length, 20, 'a token of theirs moves to another device');
  await register([bob, 'phone'], fcm());
});

t.test('a registration with a token from before the sign-out is refused', async (t) => {
  const ann = newId<UserId>();
  await register([ann, 'phone'], fcm());
  const request = { user_id: ann, device_id: 'phone' };
  await store.operations['devices.sign_out']({ ...request, has_queue: false }, 0);
  const { signed_out_at = '' } = await store.operations['devices.signed_out'](request, 0);
  const at = Date.parse(signed_out_at);
  for (const issuedAt of [0, at - 1_000, at]) {
    await t.rejects(register([ann, 'phone'], fcm(), { issuedAt }), { code: 'UNAUTHENTICATED' });
  }
  t.same(await registeredOf(ann), []);
  await register([ann, 'tablet'], fcm(), { issuedAt: at - 1_000 });
  await register([ann, 'phone'], fcm(), { issuedAt: at + 1 });
  t.equal((await registeredOf(ann)).length, 2);
});

t.test('what is unregistered is gone, and what is not there may be unregistered', async (t) => {
  const ann = newId<UserId>();
  for (const device of ['phone', 'tablet']) await register([ann, device], fcm());
  const unregister = () =>
    store.operations['push.unregister']({ user_id: ann, device_id: 'phone' }, 0);
  await unregister();
  await unregister();
  t.same(await registeredOf(ann), ['tablet fcm']);
});

t.test('no row holds anything of a token, and the address can be opened', async (t) => {
  const ann = newId<UserId>();
  const { provider, ...rest } = webpush('https://push.example/a-secret-path');
  await register([ann, 'phone'], { provider, ...rest } as PushRegistration);
  type Row = { address: Buffer; token_hash: Buffer; key_id: string; text: string };
  const [row] = await sql<Row>(
    `select address, token_hash, key_id, to_jsonb(r)::text as text from push_registrations r
     where user_id = $1`,
    [ann],
  );
  t.notMatch(row?.text, /secret|BBBB|aaaa/);
  t.notMatch(row?.address.toString('latin1'), /secret|BBBB|push\.example/);
  const addresses = createAddressCipher(contentKeys);
  const device = { user_id: ann, device_id: 'phone' };
  const opened = addresses.open(row?.address as Buffer, row?.key_id as string, device);
  t.same(opened, { provider, ...rest });
  for (const wrong of [
    { user_id: newId<UserId>(), device_id: 'phone' },
    { user_id: ann, device_id: 'tablet' },
  ]) {
    t.throws(() => addresses.open(row?.address as Buffer, k1.id, wrong));
  }
  t.throws(() => addresses.open(row?.address as Buffer, 'another', device), /not configured/);
});

t.test('a token moves also while stores have different content keys in front', async (t) => {
  const k2 = { id: 'k2', key: randomBytes(32) };
  const next = openStore(url, { keys: [k2, k1] });
  t.teardown(() => next.close());
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const one = fcm();
  await register([ann, 'phone'], one);
  await register([bob, 'phone'], one, { by: next });
  t.same(await registeredOf(ann), []);
  const behind = openStore(url, { keys: [k1, k2] });
  t.teardown(() => behind.close());
  await register([ann, 'phone'], one, { by: behind });
  t.same(await registeredOf(bob), []);
  t.same(await registeredOf(ann), ['phone fcm']);
});
