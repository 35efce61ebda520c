import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { Pushes } from './push/pushes.ts';
import { type Person, setStack } from './stage/stack.ts';

/** Devices that did not take a message get a push 5 s later, unless by then nobody needs it. */
const system = await setStack(t, { edges: 2, routers: 1, stores: 1, pushes: 1 });
const pushes = new Pushes(system);
const WAIT_MS = 5_000;
/** Everything that was going to be pushed has been pushed this long after it was sent. */
const OVER_MS = 9_500;

t.jobs = 16;

type Scene = { ann: Person; bob: Person; conversation: string };

async function scene(): Promise<Scene> {
  const [ann, bob] = await system.people(2);
  return { ann, bob, conversation: await system.conversation([ann, bob]) };
}

/** Sends over REST, so that the sender has no device that takes anything. */
async function send({ ann, conversation }: Scene, content: string) {
  const path = `/api/v1/conversations/${conversation}/messages`;
  const body = { client_msg_id: crypto.randomUUID(), content };
  const answer = await system.rest('POST', path, { token: ann.token, body });
  t.equal(answer.status, 201, JSON.stringify(answer.body));
  const { message_id, seq, sent_at } = answer.body as Record<string, unknown>;
  return {
    message_id: message_id as string,
    seq: seq as number,
    at: Date.parse(sent_at as string),
  };
}

t.test('a device of each provider is told after 5 s, and what leads to the message', async (t) => {
  const here = await scene();
  const devices = await Promise.all(
    (['apns', 'fcm', 'webpush'] as const).map((provider) =>
      pushes.register(here.bob, provider, { provider }),
    ),
  );
  const sent = await send(here, 'Namaste 🙏🏽');
  for (const device of devices) {
    const [push] = await pushes.next(device);
    t.match(push, { body: 'Namaste 🙏🏽', title: 'Unknown User', badge: 1 }, device.provider);
    const { message_id, seq } = sent;
    t.same(push?.data, { conversation_id: here.conversation, message_id, seq });
    t.ok((push?.at ?? 0) >= sent.at + WAIT_MS, 'not before 5 s');
    t.notMatch(push?.thread, new RegExp(here.conversation));
  }
  await delay(OVER_MS - WAIT_MS);
  for (const device of devices) t.equal((await pushes.of(device)).length, 1, 'once');
});

t.test('a device that takes the message in the fifth second gets no push', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const tablet = await pushes.register(here.bob, 'tablet');
  await (await system.connectNew(here.bob)).close();
  const sent = await send(here, 'late');
  await delay(4_000);
  await (await system.connect(here.bob)).messages(1);
  await delay(sent.at + OVER_MS - Date.now());
  t.same(await pushes.of(phone), []);
  t.equal((await pushes.of(tablet)).length, 1, 'the other device is told');
});

t.test('what is read elsewhere in the fourth second is pushed nowhere', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const sent = await send(here, 'read');
  await delay(3_500);
  await system.rest('PUT', `/api/v1/messages/${sent.message_id}/read`, { token: here.bob.token });
  await delay(sent.at + OVER_MS - Date.now());
  t.same(
    (await pushes.of(phone)).filter(({ body }) => body !== undefined),
    [],
  );
});

t.test('a device in use that took it spares the others', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const laptop = await system.connectNew(here.bob, { device: 'laptop' });
  await laptop.ask({ type: 'conversations' });
  const sent = await send(here, 'seen at once');
  await delay(sent.at + OVER_MS - Date.now());
  t.same(await pushes.of(phone), []);
});

t.test('a muted conversation is silent until the mute ends', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const path = `/api/v1/conversations/${here.conversation}/mute`;
  const body = { until: new Date(Date.now() + 8_000).toISOString() };
  await system.rest('PUT', path, { token: here.bob.token, body });
  const first = await send(here, 'muted');
  await delay(first.at + 4_500 - Date.now());
  const second = await send(here, 'the mute has ended by then');
  await delay(second.at + OVER_MS - Date.now());
  t.same(
    (await pushes.of(phone)).map(({ body }) => body),
    ['the mute has ended by then'],
  );
});

t.test('a message that was deleted is not pushed, nor to who unregistered', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const tablet = await pushes.register(here.bob, 'tablet');
  const sent = await send(here, 'gone');
  const kept = await send(here, 'kept');
  await system.rest('DELETE', `/api/v1/messages/${sent.message_id}`, { token: here.ann.token });
  await system.rest('DELETE', '/api/v1/devices/tablet/push', { token: here.bob.token });
  await delay(kept.at + OVER_MS - Date.now());
  t.same(
    (await pushes.of(phone)).map(({ body }) => body),
    ['kept'],
  );
  t.same(await pushes.of(tablet), []);
});

t.test('more messages within 2 s are told by their number, in one alert', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const sent = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => send(here, text)));
  const last = Math.max(...sent.map(({ seq }) => seq));
  const told = await until('the device is told of the last message', async () => {
    const alerts = await pushes.of(phone);
    return alerts.at(-1)?.data.seq === last && alerts;
  });
  t.ok(told.length < sent.length, `${told.length} alerts`);
  t.match(told.at(-1), { body: /^\d new messages$/ });
  t.equal(new Set(told.map(({ thread }) => thread)).size, 1, 'one takes the place of the other');
  for (const [index, { at }] of told.entries()) {
    const before = told[index - 1]?.at ?? 0;
    t.ok(at - before >= 1_900, `${at - before} ms after the one before`);
  }
});

t.test('a token that moved brings nothing of whom it belonged to', async (t) => {
  const here = await scene();
  const eve = await system.person();
  const phone = await pushes.register(here.bob, 'phone');
  const sent = await send(here, 'for Bob alone');
  await delay(2_000);
  await pushes.register(eve, 'phone', { device: phone });
  await delay(sent.at + OVER_MS - Date.now());
  t.same(await pushes.of(phone), []);
  await system.rest('POST', `/api/v1/conversations/${here.conversation}/messages`, {
    ...{ token: here.bob.token, body: { client_msg_id: crypto.randomUUID(), content: 'to Ann' } },
  });
  const other = { ...here, conversation: await system.conversation([here.ann, eve]) };
  await send(other, 'for Eve');
  t.match(await pushes.next(phone), [{ body: 'for Eve' }]);
});

t.test('a registration that is gone is deleted, and a wrong environment corrected', async (t) => {
  const here = await scene();
  await pushes.control({ provider: 'sandbox', mode: 'gone', after: 1 });
  const phone = await pushes.register(here.bob, 'phone', { provider: 'sandbox' });
  await send(here, 'once');
  t.match(await pushes.next(phone), [{ body: 'once' }], 'the other environment is tried');
  await delay(2_500);
  await send(here, 'never seen');
  const isForgotten = async () => {
    const { body } = await system.rest('GET', '/api/v1/devices', { token: here.bob.token });
    const devices = body.devices as { push?: unknown }[] | undefined;
    return devices?.every(({ push }) => push === undefined);
  };
  await until('it is forgotten', isForgotten);
  t.equal((await pushes.of(phone)).length, 1);
  t.same(system.leaks(), [], 'no log tells of people');
});

t.test('quiet hours are silent, and end by the clock of their zone', async (t) => {
  const here = await scene();
  const quiet = { time_zone: 'Asia/Kathmandu', from: '00:00', to: '24:00' };
  const phone = await pushes.register(here.bob, 'phone', { quiet_hours: quiet });
  const tablet = await pushes.register(here.bob, 'tablet');
  const sent = await send(here, 'at night');
  await delay(sent.at + OVER_MS - Date.now());
  t.same(await pushes.of(phone), []);
  t.equal((await pushes.of(tablet)).length, 1);
});

t.test('a badge is corrected by one silent push after a read elsewhere', async (t) => {
  const here = await scene();
  const phone = await pushes.register(here.bob, 'phone');
  const browser = await pushes.register(here.bob, 'browser', { provider: 'webpush' });
  const sent = await send(here, 'hello');
  await pushes.next(phone);
  for (let n = 0; n < 3; n += 1) {
    const path = `/api/v1/messages/${sent.message_id}/read`;
    await system.rest('PUT', path, { token: here.bob.token });
  }
  const [, silent] = await pushes.next(phone, 2);
  t.match(silent, { badge: 0 });
  t.equal(silent?.body, undefined);
  await delay(2_000);
  t.equal((await pushes.of(phone)).length, 2);
  t.equal((await pushes.of(browser)).length, 1);
});

t.test('who is added to a group is told, and of no other system message', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const group = await system.conversation([ann, bob, await system.person()]);
  const [phone, other] = [await pushes.register(eve, 'phone'), await pushes.register(bob, 'phone')];
  const path = `/api/v1/conversations/${group}/participants`;
  const body = { user_ids: [eve.id] };
  t.equal((await system.rest('POST', path, { token: ann.token, body })).status, 200);
  const [push] = await pushes.next(phone);
  t.match(push, { body: /added you/, data: { conversation_id: group } });
  t.same(await pushes.of(other), []);
});
