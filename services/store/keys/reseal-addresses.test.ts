import { randomBytes } from 'node:crypto';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createAddressCipher } from '../content/address-cipher.ts';
import { contentKeys, openStore, type StoreParts, setStage } from '../stage/store-stage.ts';
import { resealAddresses } from './reseal-addresses.ts';

const { store, sql, url } = await setStage(t);
const k2 = { id: 'k2', key: randomBytes(32) };
const rotated = [k2, ...contentKeys];
const reseal = (batchMax = 1_000) =>
  resealAddresses({ db: store.db, contentKeys: rotated, batchMax, tell: () => undefined });

async function register([user_id, device_id]: [UserId, string], token: string, by = store) {
  const registration = { provider: 'fcm' as const, token };
  const device = { user_id, device_id, issued_at: Date.now() };
  await by.operations['push.register']({ ...device, registration }, 0);
}

type Row = { user_id: UserId; device_id: string; address: Buffer; key_id: string };
const rowsOf = (): Promise<Row[]> => sql<Row>('select * from push_registrations order by 1, 2');

function openNewer(): StoreParts {
  const newer = openStore(url, { keys: [k2] });
  t.teardown(() => newer.close());
  return newer;
}

t.afterEach(() => sql('delete from push_registrations'));

t.test('the new content key alone opens every address, and finds every token', async (t) => {
  const users = Array.from({ length: 7 }, () => newId<UserId>());
  for (const [n, user] of users.entries()) await register([user, 'phone'], `fcm:the-token-of-${n}`);
  t.same(await reseal(2), { done: 7, left: 0 });
  t.same(await reseal(2), { done: 0, left: 0 });
  const addresses = createAddressCipher([k2]);
  for (const row of await rowsOf()) {
    const n = users.indexOf(row.user_id);
    const opened = addresses.open(row.address, row.key_id, row);
    t.same(opened, { provider: 'fcm', token: `fcm:the-token-of-${n}` });
  }
  const newer = openNewer();
  const ann = newId<UserId>();
  for (const n of users.keys()) await register([ann, `d${n}`], `fcm:the-token-of-${n}`, newer);
  const owners = (await rowsOf()).map(({ user_id }) => user_id);
  t.same(new Set(owners), new Set([ann]), 'each token has moved');
});

t.test('an address that cannot be opened stays, and is told', async (t) => {
  const ann = newId<UserId>();
  for (const device of ['a', 'b', 'c'])
    await register([ann, device], `fcm:token-of-device-${device}`);
  await sql(`update push_registrations set key_id = 'lost' where device_id = 'a'`);
  await sql(`update push_registrations set address = 'x' where device_id = 'b'`);
  t.same(await reseal(1), { done: 1, left: 2 });
  t.same(
    (await rowsOf()).map(({ key_id }) => key_id),
    ['lost', 'k1', 'k2'],
  );
});

t.test('a device that registers meanwhile keeps what it has registered', async (t) => {
  const ann = newId<UserId>();
  const newer = openStore(url, { keys: rotated });
  t.teardown(() => newer.close());
  for (let round = 0; round < 10; round += 1) {
    await register([ann, 'phone'], `fcm:old-token-${round}`);
    const by = round % 2 === 0 ? store : newer;
    await Promise.all([reseal(), register([ann, 'phone'], `fcm:new-token-${round}`, by)]);
    await reseal();
    const [row] = (await rowsOf()) as [Row];
    const opened = createAddressCipher([k2]).open(row.address, row.key_id, row);
    t.same(opened, { provider: 'fcm', token: `fcm:new-token-${round}` });
  }
});
