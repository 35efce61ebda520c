import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { encodeLive } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { Edge } from '../edge.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { connectRaw } from '../stage/raw-client.ts';
import { UNACKED_MAX } from './sent-events.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
t.teardown(() => stage.close());

const mux = router.bus.mux(subjects.answers('router-1'));

/** Asks an edge for the device as a router does. Rejects where nobody has it. */
async function askForDevice(userId: UserId, words: string): Promise<string> {
  const subject = subjects.device(userId, 'phone');
  const payload = new TextEncoder().encode(words);
  return (await mux.ask({ subject, payload, timeoutMs: 2_000 })).string();
}

/** This many publishes are on their way together. */
const AT_ONCE = 256;

t.test('events carry q from 1 on, and an ack empties the queue up to its q', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  for (const content of ['a', 'ü', 'c']) await stage.enqueue(userId, { content });
  for (const [index, content] of ['a', 'ü', 'c'].entries()) {
    t.same(await client.next('message'), { q: index + 1, type: 'message', content });
  }
  client.send({ type: 'ack', q: 2 });
  await until('one event is unacknowledged', async () => (await stage.queue(userId)).unacked === 1);
  client.send({ type: 'ack', q: 1 });
  client.send({ type: 'ack', q: 999_999 });
  await until('all events are acknowledged', async () => (await stage.queue(userId)).unacked === 0);
  t.same(
    client.frames.filter(({ type }) => type !== 'replay_end'),
    [],
    'an ack is never answered',
  );
  await client.close();
});

t.test('the next session gets the unacknowledged events first and in order', async (t) => {
  const userId = newId<UserId>();
  const first = await stage.open(edge, userId);
  for (let n = 1; n <= 20; n += 1) await stage.enqueue(userId, { n });
  await first.nextThat(({ n }) => n === 20);
  first.send({ type: 'ack', q: 5 });
  await until(
    '15 events are unacknowledged',
    async () => (await stage.queue(userId)).unacked === 15,
  );
  await first.close();
  await until('no session holds the queue', async () => !(await stage.queue(userId)).isHeld);
  await stage.enqueue(userId, { n: 21 });
  const watch = startStopwatch();
  const second = await stage.open(edge, userId);
  const got: unknown[] = [];
  for (let n = 6; n <= 21; n += 1) {
    const { q, n: which } = await second.next('message');
    got.push([q, which]);
  }
  t.same(
    got,
    Array.from({ length: 16 }, (_, i) => [i + 1, i + 6]),
  );
  t.ok(watch.stop() < 2_000, 'at once, not after `ack_wait`');
  await second.close();
});

/** Puts numbered events into the queue, 8 a second, until the returned function is called. */
function startSending(userId: UserId, first: number): () => Promise<void> {
  let isOver = false;
  const sending = (async () => {
    for (let n = first; !isOver; n += 1) {
      await stage.enqueue(userId, { n });
      await delay(125);
    }
  })();
  return () => {
    isOver = true;
    return sending;
  };
}

/**
 * A device leaves 200 events unacknowledged. While more come, it opens a session that is cut off at
 * `auth_ok`, and soon after another one on another edge. Returns the numbers of the first 200
 * events that the last session gets.
 */
async function playCut(other: Edge, reopenAfterMs: number): Promise<unknown[]> {
  const userId = newId<UserId>();
  const first = await stage.open(edge, userId);
  await Promise.all(numbers(200).map((n) => stage.enqueue(userId, { n })));
  await first.nextThat(({ q }) => q === 200);
  await first.close();
  await until('no session holds the queue', async () => !(await stage.queue(userId)).isHeld);
  const stopSending = startSending(userId, 201);
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
  const cut = await connectRaw(edge.port, headers);
  await cut.text();
  cut.socket.resetAndDestroy();
  await delay(reopenAfterMs);
  const last = await stage.open(other, userId);
  await last.nextThat(({ q }) => q === 201);
  await stopSending();
  const got = last.frames.filter(({ type }) => type === 'message').map(({ n }) => n);
  await last.close();
  return got.slice(0, 200);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

t.test('what was unacknowledged comes first and in order after a cut at auth_ok', async (t) => {
  const other = await stage.startEdge('edge-3');
  router.script['session.open'] = async (request) => {
    await Promise.allSettled([askForDevice(request.user_id, 'release')]);
    return stage.openQueue(request);
  };
  for (const reopenAfterMs of [100, 150, 200, 250, 300, 100, 200, 300]) {
    t.same(await playCut(other, reopenAfterMs), numbers(200), `again after ${reopenAfterMs} ms`);
  }
  router.script['session.open'] = (request) => stage.openQueue(request);
});

t.test('several deliveries make one report, and own messages make none', async (t) => {
  const userId = newId<UserId>();
  const conversationId = newId<ConversationId>();
  const client = await stage.open(edge, userId);
  for (const seq of [1, 2, 3]) await stage.enqueue(userId, {}, { conversationId, seq });
  await stage.enqueue(userId, {}, { conversationId, seq: 4, senderId: userId });
  await stage.enqueue(userId, {}, { conversationId, seq: 0, kind: 'conversation' });
  await client.nextThat(({ q }) => q === 5);
  client.send({ type: 'ack', q: 5 });
  await until('the delivery is reported', () => router.reported(conversationId).length > 0);
  t.match(router.reported(conversationId), [[conversationId, userId, 3, Number]]);
  await client.close();
});

t.test('a new session of a device replaces the old one, on another edge too', async (t) => {
  const other = await stage.startEdge('edge-2');
  const userId = newId<UserId>();
  const first = await stage.open(edge, userId);
  await stage.open(edge, userId, 'tablet');
  const second = await stage.open(other, userId);
  t.equal(await first.closed, 4505);
  const third = await stage.open(edge, userId);
  t.equal(await second.closed, 4505);
  await stage.enqueue(userId, { content: 'to one' });
  t.match(await third.next('message'), { q: 1, content: 'to one' });
  await third.close();
});

t.test('2048 unacknowledged events are sent, one more closes 4013, and none is lost', async (t) => {
  const userId = newId<UserId>();
  router.script['session.open'] = (request) => stage.openQueue(request, UNACKED_MAX + 1);
  const client = await stage.open(edge, userId);
  router.script['session.open'] = (request) => stage.openQueue(request);
  let n = 0;
  const send = async (upTo: number): Promise<void> => {
    while (n < upTo) {
      const count = Math.min(AT_ONCE, upTo - n);
      await Promise.all(Array.from({ length: count }, () => stage.enqueue(userId, { n: ++n })));
    }
  };
  await send(UNACKED_MAX);
  await client.nextThat(({ q }) => q === UNACKED_MAX);
  t.equal((await client.ask({ type: 'ping' })).type, 'pong', 'the socket is still open');
  await send(UNACKED_MAX + 1);
  t.equal(await client.closed, 4013);
  const again = await stage.open(edge, userId);
  await again.nextThat(({ q }) => q === UNACKED_MAX);
  t.same(new Set(again.frames.map((frame) => frame.n)).size, UNACKED_MAX - 1);
  await again.close();
});

t.test('a router that asks for a device gets it, and nothing unacknowledged is lost', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  await stage.enqueue(userId, { n: 1 });
  await client.next('message');
  t.equal(await askForDevice(userId, 'release'), 'released');
  t.equal(await client.closed, 4505);
  const again = await stage.open(edge, userId);
  t.match(await again.next('message'), { q: 1, n: 1 });
  await again.close();
});

t.test('a router that asks for an older opening does not get the device', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  t.equal(await askForDevice(userId, 'release 0'), 'newer');
  t.equal(await askForDevice(userId, 'held'), 'held');
  t.equal((await client.ask({ type: 'ping' })).type, 'pong', 'the socket is still open');
  t.equal(await askForDevice(userId, `release ${1e15}`), 'released');
  t.equal(await client.closed, 4505);
});

t.test('a router that signs a device out closes its session 4503, but no newer one', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  t.equal(await askForDevice(userId, 'sign-out 0'), 'newer');
  t.equal((await client.ask({ type: 'ping' })).type, 'pong', 'the socket is still open');
  t.equal(await askForDevice(userId, `sign-out ${1e15}`), 'released');
  t.equal(await client.closed, 4503);
});

t.test('the older session gives way when two openings of a device cross', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const signal = { kind: 'replaced', device_id: 'phone', session_id: newId() };
  const lower = JSON.stringify({ ...signal, epoch: 0 });
  router.bus.publish(subjects.user(userId), lower);
  router.bus.publish(
    subjects.user(userId),
    JSON.stringify({ ...signal, device_id: 'x', epoch: 1e15 }),
  );
  t.equal((await client.ask({ type: 'ping' })).type, 'pong', 'the socket is still open');
  router.bus.publish(subjects.user(userId), JSON.stringify({ ...signal, epoch: 1e15 }));
  t.equal(await client.closed, 4505);
});

t.test('live events of a user go to all their sockets', async (t) => {
  const userId = newId<UserId>();
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'a' };
  const one = await stage.connect(edge, { headers });
  await one.next('auth_ok');
  const two = await stage.open(edge, userId, 'b');
  const conversation_id = newId<ConversationId>();
  const event = {
    type: 'receipt' as const,
    conversation_id,
    user_id: newId<UserId>(),
    read_seq: 4,
  };
  const subject = subjects.user(userId);
  router.bus.publish(subject, 'not JSON');
  router.bus.publish(subject, 'A Type\n{}');
  router.bus.publish(subject, encodeLive(event));
  t.same(await one.next('receipt'), event);
  t.same(await two.next('receipt'), event);
  await one.close();
  await two.close();
});

t.test('a client hears that its queue is void, and gets a new one on its socket', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  await client.next('replay_end');
  await stage.enqueue(userId, { n: 1 });
  await client.next('message');
  await stage.deleteQueue(userId, 'phone');
  const signal = JSON.stringify({ kind: 'resync', device_id: 'phone' });
  router.bus.publish(subjects.user(userId), signal);
  await client.next('resync');
  await client.next('replay_end');
  await stage.enqueue(userId, { n: 2 });
  t.match(await client.next('message'), { q: 3, n: 2 }, 'q goes on within the session');
  client.send({ type: 'ack', q: 3 });
  await until('all events are acknowledged', async () => (await stage.queue(userId)).unacked === 0);
  await client.close();
});

t.test('an opening because of a void queue is as old as its session', async (t) => {
  const asked: { is_void?: true; epoch?: number }[] = [];
  router.script['session.open'] = (request) => {
    asked.push(request);
    return { resumed: true, epoch: 77_000 + asked.length };
  };
  const userId = newId<UserId>();
  await stage.openQueue({ user_id: userId, device_id: 'phone' });
  const client = await stage.open(edge, userId);
  const signal = JSON.stringify({ kind: 'resync', device_id: 'phone' });
  router.bus.publish(subjects.user(userId), signal);
  await client.next('replay_end');
  router.script['session.open'] = (request) => stage.openQueue(request);
  t.match(asked[1], { is_void: true, epoch: 77_002 }, 'one that came since keeps the device');
  await client.close();
});

t.test('auth with resync asks for a new queue', async (t) => {
  const userId = newId<UserId>();
  await (await stage.open(edge, userId)).close();
  const client = await stage.open(edge, userId);
  await stage.deleteQueue(userId, 'phone');
  const answer = await client.ask({ type: 'auth', token: await tokenOf(userId), resync: true });
  t.match(answer, { type: 'auth_ok', resumed: false });
  const opened = router.requests.findLast(({ op }) => op === 'session.open');
  t.match(opened, { user_id: userId, resync: true });
  await client.next('replay_end');
  await stage.enqueue(userId, { n: 1 });
  t.match(await client.next('message'), { n: 1 });
  await client.close();
});

t.test('an event that is acknowledged right before a resync counts as delivered', async (t) => {
  const userId = newId<UserId>();
  const conversationId = newId<ConversationId>();
  const client = await stage.open(edge, userId);
  await stage.enqueue(userId, {}, { conversationId, seq: 7 });
  await client.nextThat(({ q }) => q === 1);
  client.send({ type: 'ack', q: 1 });
  client.send({ type: 'auth', token: await tokenOf(userId), resync: true });
  await until('the delivery is reported', () => router.reported(conversationId).length > 0);
  t.match(router.reported(conversationId), [[conversationId, userId, 7, Number]]);
  await client.close();
});

t.test('an ack while NATS is away is kept, and sent after the reconnect', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  await stage.enqueue(userId, { n: 1 });
  await stage.enqueue(userId, { n: 2 });
  await client.nextThat(({ n }) => n === 2);
  await stage.nats.kill('SIGTERM');
  client.send({ type: 'ack', q: 2 });
  t.equal((await client.ask({ type: 'ping' })).type, 'pong');
  await stage.nats.restart();
  await until('all events are acknowledged', () =>
    stage.queue(userId).then(
      ({ unacked }) => unacked === 0,
      () => false,
    ),
  );
  await until('the stream takes an event', () =>
    stage.enqueue(userId, { n: 3 }).then(
      () => true,
      () => false,
    ),
  );
  t.match(await client.nextThat(({ n }) => n === 3), { type: 'message' });
  await client.close();
});

t.test('a reader that is too slow is closed with 4008 and loses nothing', async (t) => {
  const userId = newId<UserId>();
  const title = 'x'.repeat(400_000);
  const records = [conversationRecord([], { type: 'group', title })];
  const subject = subjects.store('conversations.list');
  let asked = 0;
  store.serve({ subject, concurrencyMax: 99 }, () => {
    asked += 1;
    return { records, next_cursor: null };
  });
  await store.nc.flush();
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
  const client = await connectRaw(edge.port, headers);
  t.match(await client.text(), /auth_ok/);
  client.socket.pause();
  await stage.enqueue(userId, { n: 1 });
  const isHeld = async (): Promise<boolean> => (await stage.queue(userId)).isHeld;
  await until('the session holds the queue', isHeld);
  // A frame that the edge has not read when it closes would reset the connection, and the client
  // would not get the close code.
  for (let n = 1; n <= 60 && (await isHeld()); n += 1) {
    client.send({ type: 'conversations', id: n });
    await until('the frame is read', async () => asked >= n || !(await isHeld()));
  }
  await until('no session holds the queue', async () => !(await isHeld()));
  client.socket.resume();
  t.equal(await client.ended, 4008);
  const again = await stage.open(edge, userId);
  t.match(await again.next('message'), { q: 1, n: 1 });
  await again.close();
});
