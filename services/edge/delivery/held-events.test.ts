import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { Profiles, ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { CLOSE } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import type { OweNames } from '../names/conversation-view.ts';
import { metricsOf, setStage, tokenOf } from '../stage/edge-stage.ts';
import { connectRaw, type RawClient } from '../stage/raw-client.ts';
import { HeldEvents } from './held-events.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
const profiles = await stage.busOf('profiles');
t.teardown(() => stage.close());

const [anna, bob] = [newId<UserId>(), newId<UserId>()];
const known: Profiles = {
  users: [
    { id: anna, name: 'Anna' },
    { id: bob, name: 'Bob', avatar_url: 'https://a/bob' },
  ],
  businesses: [],
};
const asked: ProfilesGet[] = [];
let waitsFor: Promise<void> | undefined;
profiles.serve({ subject: subjects.profiles('get'), concurrencyMax: 99 }, async (body) => {
  asked.push(body as ProfilesGet);
  await waitsFor;
  return known;
});
await profiles.nc.flush();

const MIB = 1024 ** 2;
const LARGEST = { content: '😀'.repeat(8_000), metadata: { x: 'x'.repeat(4_000) } };
const NAMELESS = { isNameless: true };
const CONVERSATION = { kind: 'conversation', ...NAMELESS } as const;
const direct = {
  change: 'created',
  conversation: { type: 'direct', participants: [{ user_id: anna }, { user_id: bob }] },
};
const system = {
  message_type: 'system',
  sender_id: bob,
  content: 'A participant left',
  metadata: { event: 'participant_left', user_id: bob },
};

/** Makes profiles answer nothing until the returned function is called. */
function hold(): () => void {
  let open = (): void => undefined;
  waitsFor = new Promise((resolve) => {
    open = resolve;
  });
  return () => {
    waitsFor = undefined;
    open();
  };
}

const isUnacked = async (userId: UserId, count: number): Promise<boolean> =>
  (await stage.queue(userId)).unacked === count;
const untilAsked = (times: number): Promise<true> =>
  until('profiles is asked', () => asked.length >= times);

t.beforeEach(() => asked.splice(0));

t.test('an event of ids alone gets current names, from the view of its recipient', async (t) => {
  const client = await stage.open(edge, anna);
  await stage.enqueue(anna, direct, CONVERSATION);
  const { q, change, conversation } = await client.next('conversation');
  t.same([q, change], [1, 'created']);
  t.match(conversation, { name: 'Bob', avatar_url: 'https://a/bob' });
  t.match(conversation, { participants: [{ name: 'Anna' }, { name: 'Bob' }] });
  await stage.enqueue(anna, system, NAMELESS);
  t.match(await client.next('message'), { q: 2, content: 'Bob left' });
  await client.close();
});

t.test('events behind one that awaits names wait in order and share one request', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const release = hold();
  await stage.enqueue(userId, { n: 1 });
  await stage.enqueue(userId, { n: 2, ...direct }, CONVERSATION);
  await untilAsked(1);
  await stage.enqueue(userId, { n: 3 });
  await stage.enqueue(userId, { n: 4, ...direct }, CONVERSATION);
  await stage.enqueue(userId, { n: 5, ...system }, NAMELESS);
  // An event that was not sent cannot be acknowledged: it stays in the queue.
  await client.nextThat(({ n }) => n === 1);
  client.send({ type: 'ack', q: 5 });
  await until('4 events are unacknowledged', () => isUnacked(userId, 4));
  release();
  const seen = [];
  for (const n of [2, 3, 4, 5]) seen.push((await client.nextThat((frame) => frame.n === n)).q);
  t.same(seen, [2, 3, 4, 5]);
  t.equal(asked.length, 2);
  await client.close();
});

t.test('a session that ends while it awaits names leaves all events to the next', async (t) => {
  const userId = newId<UserId>();
  const first = await stage.open(edge, userId);
  const release = hold();
  await stage.enqueue(userId, { n: 1, ...direct }, CONVERSATION);
  await stage.enqueue(userId, { n: 2 });
  await untilAsked(1);
  await first.close();
  release();
  const second = await stage.open(edge, userId);
  t.match(await second.nextThat(({ n }) => n === 1), { q: 1, conversation: { name: 'Anna' } });
  t.match(await second.nextThat(({ n }) => n === 2), { q: 2 });
  await second.close();
});

t.test('a queue that becomes void while names are awaited leaves no gap in q', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  await client.next('replay_end');
  const release = hold();
  await stage.enqueue(userId, { n: 1 });
  await stage.enqueue(userId, { n: 2, ...direct }, CONVERSATION);
  await stage.enqueue(userId, { n: 3 });
  await untilAsked(1);
  await stage.deleteQueue(userId, 'phone');
  const signal = JSON.stringify({ kind: 'resync', device_id: 'phone' });
  router.bus.publish(subjects.user(userId), signal);
  await client.next('replay_end');
  release();
  await stage.enqueue(userId, { n: 4 });
  t.match(await client.nextThat(({ n }) => n === 4), { q: 3 });
  t.notOk(client.frames.some(({ n }) => n === 2 || n === 3));
  client.send({ type: 'ack', q: 3 });
  await until('all events are acknowledged', () => isUnacked(userId, 0));
  await client.close();
});

t.test('a client that keeps up is not closed as too slow, however many events wait', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const release = hold();
  await stage.enqueue(userId, direct, CONVERSATION);
  await untilAsked(1);
  const event = { content: 'न'.repeat(8_000), metadata: { x: 'x'.repeat(4_000) } };
  await Promise.all(Array.from({ length: 249 }, () => stage.enqueue(userId, event)));
  await until('250 events are unacknowledged', () => isUnacked(userId, 250));
  release();
  await client.nextThat(({ q }) => q === 250);
  t.equal((await client.ask({ type: 'ping' })).type, 'pong', 'the socket is still open');
  await client.close();
});

/** Resolves with the next durable events, as the client reads them. */
async function eventsOf(client: RawClient, count: number): Promise<{ n: number; q: number }[]> {
  const events: { n: number; q: number }[] = [];
  while (events.length < count) {
    const text = await Promise.race([client.text(), client.ended]);
    if (typeof text !== 'string') throw new Error(`closed ${text} after ${events.length} events`);
    const frame = JSON.parse(text) as { type: string; n: number; q: number };
    if (frame.type === 'message') events.push(frame);
  }
  return events;
}

t.test('a slow device that comes back to 9 MB of events reads them in one session', async (t) => {
  const userId = newId<UserId>();
  await (await stage.open(edge, userId)).close();
  const numbers = Array.from({ length: 260 }, (_, n) => n);
  await Promise.all(numbers.map((n) => stage.enqueue(userId, { n, ...LARGEST })));
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
  const client = await connectRaw(edge.port, headers);
  client.socket.pause();
  await until('the queue has sent all that it may', () => isUnacked(userId, 256));
  await until('events wait at the edge', async () => {
    const text = await (await fetch(metricsOf(edge))).text();
    return /^kaha_edge_held_bytes\S* [1-9]/m.test(text);
  });
  client.socket.resume();
  const first = await eventsOf(client, 256);
  client.send({ type: 'ack', q: 256 });
  const all = [...first, ...(await eventsOf(client, 4))];
  t.same(
    all.map(({ q }) => q),
    numbers.map((n) => n + 1),
  );
  t.same(new Set(all.map(({ n }) => n)), new Set(numbers), 'each event comes once');
  client.send({ type: 'ack', q: 260 });
  await until('all events are acknowledged', () => isUnacked(userId, 0));
  client.socket.destroy();
});

t.test('a malformed event keeps no other event from its client', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  await stage.enqueue(userId, { conversation: { type: 'direct' } }, CONVERSATION);
  await stage.enqueue(userId, { n: 2 });
  t.match(await client.nextThat(({ n }) => n === 2), { q: 2 });
  client.send({ type: 'ack', q: 2 });
  await until('all events are acknowledged', () => isUnacked(userId, 0));
  await client.close();
});

t.test('people are unknown after 1 s without profiles, and other events follow', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const release = hold();
  const startedAt = Date.now();
  await stage.enqueue(userId, direct, CONVERSATION);
  await stage.enqueue(userId, { n: 2 });
  t.match(await client.next('conversation'), { conversation: { name: 'Unknown User' } });
  await client.nextThat(({ n }) => n === 2);
  t.ok(Date.now() - startedAt < 3_000);
  release();
  await client.close();
});

t.test('a live copy gets names too, and a broken copy hurts nobody', async (t) => {
  const client = await stage.open(edge, anna);
  router.bus.publish(subjects.user(anna), 'message nameless\n{"broken');
  const copy = JSON.stringify({ type: 'message', ...system });
  router.bus.publish(subjects.user(anna), `message nameless\n${copy}`);
  t.match(await client.next('message'), { content: 'Bob left' });
  await client.close();
});

const silent = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
type Held = { q: number; type: string; isNameless: boolean; body: Uint8Array };

/**
 * Has streams whose names never come, and lists what their sessions are sent. The sockets of those
 * in `behind` have as many bytes left to write as it says.
 */
function crowd(count: number, bytesMax: { names: number; reader: number }) {
  const sent: string[][] = [];
  const closed: unknown[] = [];
  const behind = new Map<number, number>();
  let looks = 0;
  const hub = {
    isBehind: ({ index }: { index: number }) => (behind.get(index) ?? 0) > 0,
    sendSoon: (owner: { index: number }, _type: string, frame: string | Uint8Array) =>
      void sent[owner.index]?.push(Buffer.from(frame as Uint8Array).toString()),
    close: ({ index }: { index: number }, code: number) => void closed.push([index, code]),
  };
  const lookUpNames = (): Promise<never> => new Promise(() => undefined);
  const owed = new Set<UserId>();
  const oweNames: OweNames = ({ viewers }) => {
    for (const viewer of viewers) owed.add(viewer);
  };
  const events = new HeldEvents({
    ...{ lookUpNames, oweNames, hub: hub as never, logger: silent, bytesMax },
  });
  const streams = Array.from({ length: count }, (_, index) => {
    sent.push([]);
    const getBufferedAmount = (): number => {
      looks += 1;
      return behind.get(index) ?? 0;
    };
    const socket = { getBufferedAmount };
    const owner = { index, socket };
    return { owner, userId: newId<UserId>(), held: undefined as Held[] | undefined };
  });
  const hold = (index: number, event: object, isNameless: boolean): void => {
    const body = Buffer.from(JSON.stringify({ type: 'message', ...event }));
    events.hold(streams[index] as never, { q: 1, type: 'message', isNameless, body });
  };
  const looked = () => looks;
  return { events, streams, behind, looked, owed, sent, closed, hold };
}

t.test(
  'where many of the largest events wait, people are unknown at once, and told later',
  async (t) => {
    const { events, owed, sent, closed, hold } = crowd(4, { names: MIB, reader: MIB });
    for (const index of [0, 1, 2, 3]) hold(index, system, true);
    for (let n = 0; n < 12; n += 1) hold(n % 4, LARGEST, false);
    await new Promise((resolve) => setImmediate(resolve));
    t.same(sent, [[], [], [], []], 'all wait for names');
    for (let n = 0; n < 4; n += 1) hold(n, LARGEST, false);
    await until('all are sent', () => events.bytes === 0);
    t.same(
      sent.map((frames) => frames.length),
      [5, 5, 5, 5],
    );
    for (const [first] of sent) t.match(first, 'Unknown User left');
    t.equal(owed.size, 4);
    t.same(closed, []);
  },
);

t.test('beyond the bound a session is closed, and its events count no more', async (t) => {
  const { events, streams, closed, hold } = crowd(2, { names: MIB, reader: MIB });
  hold(0, system, true);
  for (let n = 0; n < 40; n += 1) hold(0, LARGEST, false);
  const [stream] = streams;
  await until('it is closed', () => closed.length > 0);
  t.same(closed[0], [0, CLOSE.SLOW_READER]);
  if (stream !== undefined) stream.held = undefined;
  await until('nothing is held', () => events.bytes === 0);
});

t.test('events wait until the reader is no longer behind, and none is dropped', async (t) => {
  const { events, behind, looked, sent, closed, hold } = crowd(1, { names: MIB, reader: 16 * MIB });
  behind.set(0, 200 * 1024);
  for (let n = 0; n < 200; n += 1) hold(0, { n, ...LARGEST }, false);
  await until('the socket is looked at again', () => looked() > 1);
  t.same(sent, [[]], 'nothing is written meanwhile');
  t.ok(events.bytes > 6 * MIB, 'they count for the reader, and not for names');
  behind.set(0, 0);
  await until('all are sent', () => events.bytes === 0);
  t.same(
    sent[0]?.map((frame) => JSON.parse(frame).n),
    Array.from({ length: 200 }, (_, n) => n),
  );
  t.same(closed, []);
});

t.test('where readers have too much waiting, those with the most are closed', async (t) => {
  const { behind, streams, closed, hold } = crowd(4, { names: 16 * MIB, reader: MIB });
  for (const index of [0, 1, 2, 3]) behind.set(index, MIB);
  const sizes = [3, 14, 2, 7];
  sizes.forEach((size, index) => {
    for (let n = 0; n < size; n += 1) hold(index, LARGEST, false);
  });
  hold(2, LARGEST, false);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(closed, []);
  for (let n = 0; n < 5; n += 1) hold(2, LARGEST, false);
  await until('one is closed', () => closed.length > 0);
  t.same(closed, [[1, CLOSE.SLOW_READER]]);
  for (const stream of streams) stream.held = undefined;
});
