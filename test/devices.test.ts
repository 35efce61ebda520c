import t, { type Test } from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const CODES = { badToken: 4500, signedOut: 4503 };
const REGISTRATIONS_MAX = 20;
type Shown = { device_id: string; is_connected: boolean; push?: { provider: string } };

const fcm = (token = `fcm:${newId<string>()}`) => ({ provider: 'fcm', token });

async function devicesOf({ token }: Person, edge = 1): Promise<Shown[]> {
  const { status, body } = await system.rest('GET', '/api/v1/devices', { token, edge });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.devices as Shown[];
}

const namesOf = (devices: readonly Shown[]): string[] =>
  devices.map(({ device_id }) => device_id).sort();

function signOut({ token }: Person, device: string, edge = 1): Promise<RestAnswer> {
  return system.rest('DELETE', `/api/v1/devices/${device}`, { token, edge });
}

function register({ token }: Person, device: string, body: object): Promise<RestAnswer> {
  return system.rest('PUT', `/api/v1/devices/${device}/push`, { token, body });
}

/** Returns the close code of a session of the device, or undefined if one opens. */
async function closeCodeOf(person: Person, device = 'phone', edge = 1) {
  const headers = { authorization: `Bearer ${person.token}`, 'x-device-id': device };
  const client = await system.socket(headers, { edge });
  const opened = client.next('auth_ok').then(
    () => undefined,
    () => undefined,
  );
  return Promise.race([opened, client.closed.then(({ code }) => code)]);
}

/** Returns the person with a token of a later second, because `iat` has whole seconds. */
async function withNewToken({ id }: Person): Promise<Person> {
  const startedS = Math.floor(Date.now() / 1_000);
  let token = '';
  await until('a token of a later second', async () => {
    token = await system.stack.token(id);
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return claims.iat > startedS;
  });
  system.canaries.add(token);
  return { id, token };
}

/** `refused` is the status and the code. */
function checkError(t: Test, { status, body }: RestAnswer, refused: string): void {
  t.equal(`${status} ${body.error?.code}`, refused);
}

t.test('a person sees their devices, on whatever edge, and whether each is there', async (t) => {
  const [ann, bob] = await system.people(2);
  const phone = await system.connectNew(ann, { device: 'phone' });
  await system.connectNew(ann, { device: 'laptop', edge: 2 });
  await system.connectNew(bob, { device: 'tablet' });
  await register(ann, 'old-phone', { ...fcm(), content: 'none' });
  for (const edge of [1, 2]) {
    const devices = await devicesOf(ann, edge);
    t.same(namesOf(devices), ['laptop', 'old-phone', 'phone']);
    t.same(
      devices.map(({ is_connected: is }) => is),
      [true, true, false],
    );
    t.match(devices.at(-1), { push: { provider: 'fcm', content: 'none', registered_at: String } });
  }
  await phone.close();
  await until('the phone has left', async () => {
    const device = (await devicesOf(ann)).find(({ device_id }) => device_id === 'phone');
    return device?.is_connected === false && 'last_seen_at' in device;
  });
});

for (const [where, edge] of [
  ['on the same edge', 1],
  ['on another edge', 2],
] as const) {
  t.test(`a device that is signed out ${where} is closed 4503, and has nothing`, async (t) => {
    const [ann, bob] = await system.people(2);
    const conversation = await system.conversation([ann, bob]);
    const phone = await system.connectNew(ann, { edge });
    const laptop = await system.connectNew(ann, { device: 'laptop', edge });
    await register(ann, 'phone', fcm());
    const { status } = await signOut(ann, 'phone');
    t.equal(status, 204);
    t.match(await phone.closed, { code: CODES.signedOut });
    t.same(namesOf(await devicesOf(ann)), ['laptop']);
    t.ok(laptop.isOpen, 'the other device stays');
    for (const at of [1, 2]) t.equal(await closeCodeOf(ann, 'phone', at), CODES.badToken);
    checkError(t, await register(ann, 'phone', fcm()), '401 UNAUTHENTICATED');
    checkError(t, await signOut(ann, 'phone', 2), '404 NOT_FOUND');
    const again = await withNewToken(ann);
    const back = await system.connectNew(again);
    t.equal(back.received[0]?.resumed, false, 'its queue is new');
    const writer = await system.connectNew(bob);
    await writer.post(conversation, 'welcome back');
    t.match(await back.messages(1), [{ content: 'welcome back' }]);
    t.equal((await register(again, 'phone', fcm())).status, 204);
  });
}

t.test('nobody signs out the device of somebody else, or one that is not there', async (t) => {
  const [ann, bob] = await system.people(2);
  const phone = await system.connectNew(ann);
  await register(ann, 'tablet', fcm());
  for (const device of ['phone', 'tablet', 'nothing']) {
    checkError(t, await signOut(bob, device), '404 NOT_FOUND');
  }
  checkError(t, await signOut(ann, 'nothing'), '404 NOT_FOUND');
  checkError(t, await signOut(ann, 'no_device'), '400 INVALID_REQUEST');
  await phone.settled();
  t.same(namesOf(await devicesOf(ann)), ['phone', 'tablet']);
});

t.test('a device that connects while it is signed out is refused in the end', async (t) => {
  const [ann] = await system.people(1);
  for (const round of numbers(1, 3)) {
    const person = round === 1 ? ann : await withNewToken(ann);
    const first = await system.connectNew(person);
    const clients: Client[] = [];
    const [signedOut] = await Promise.all([
      signOut(person, 'phone'),
      ...numbers(1, 6).map(async (n) => {
        const headers = { authorization: `Bearer ${person.token}`, 'x-device-id': 'phone' };
        clients.push(await system.socket(headers, { edge: 1 + (n % 2) }));
      }),
    ]);
    t.equal(signedOut.status, 204);
    await Promise.all([first, ...clients].map(({ closed }) => closed));
    t.same(await devicesOf(person), []);
    t.equal(await closeCodeOf(person), CODES.badToken);
  }
});

t.test('a token of pushes moves to whoever registers it last', async (t) => {
  const [ann, bob] = await system.people(2);
  const one = fcm();
  t.equal((await register(ann, 'phone', one)).status, 204);
  t.equal((await register(bob, 'phone', one)).status, 204);
  t.same(await devicesOf(ann), []);
  t.match(await devicesOf(bob), [{ device_id: 'phone', push: { provider: 'fcm' } }]);
  const path = '/api/v1/devices/phone/push';
  for (const person of [ann, bob]) {
    t.equal((await system.rest('DELETE', path, { token: person.token })).status, 204);
  }
  t.same(await devicesOf(bob), []);
});

t.test('a 21st device is not registered, and says so', async (t) => {
  const ann = await system.person();
  for (const n of numbers(1, REGISTRATIONS_MAX)) {
    t.equal((await register(ann, `device-${n}`, fcm())).status, 204);
  }
  checkError(t, await register(ann, 'one-more', fcm()), '409 CONFLICT');
  t.equal((await register(ann, 'device-1', fcm())).status, 204, 'a known one may change');
});

t.test('a registration that is malformed is refused with what is wrong', async (t) => {
  const ann = await system.person();
  const endpoint = 'ftp://push.example/x';
  const { public_key: p256dh } = (
    await system.rest('GET', '/api/v1/push/webpush-key', { token: ann.token })
  ).body;
  const subscription = { endpoint, keys: { p256dh, auth: 'a'.repeat(22) } };
  const cases: [object, RegExp][] = [
    [{}, /provider/],
    [{ provider: 'pigeon', token: 'x' }, /^provider/],
    [{ ...fcm(), topic: 'x' }, /unknown field topic/],
    [{ ...fcm(), quiet_hours: { time_zone: 'Nowhere', from: '22:00', to: '07:00' } }, /time_zone/],
    [{ provider: 'webpush', subscription }, /^subscription.endpoint/],
  ];
  for (const [body, words] of cases) {
    const answer = await register(ann, 'phone', body);
    checkError(t, answer, '400 INVALID_REQUEST');
    t.match(JSON.stringify(answer.body.error), new RegExp(words.source.replace('^', '"')));
  }
  t.same(await devicesOf(ann), []);
});

t.test('no row of a registration and no log holds a token', async (t) => {
  const ann = await system.person();
  const token = `fcm:${newId<string>()}`;
  system.canaries.add(token);
  await register(ann, 'phone', fcm(token));
  const rows = await system.sql<{ text: string }>(
    'select r::text as text from push_registrations r where user_id = $1',
    [ann.id],
  );
  t.equal(rows.length, 1);
  const hex = Buffer.from(token).toString('hex');
  t.notOk(rows.some(({ text }) => text.includes(token) || text.includes(hex)));
  t.same(system.leaks(), []);
});
