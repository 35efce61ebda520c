import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { Client } from '../stage/client.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { untilLive } from '../stage/live-sessions.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
t.teardown(() => stage.close());

/** Returns how many offers the edge has answered with this outcome. */
async function outcomes(outcome: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${edge.adminPort}/metrics`)).text();
  const line = new RegExp(`^kaha_edge_offers_total\\{outcome="${outcome}".*\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}

/**
 * Each of these users has a live session. A session takes a second to go live, so all of them start
 * together.
 */
const people = Array.from({ length: 10 }, () => newId<UserId>());
const clients = await Promise.all(people.map((userId) => stage.open(edge, userId)));
await untilLive(edge);
const live = (): { userId: UserId; client: Client } => ({
  userId: people.pop() as UserId,
  client: clients.pop() as Client,
});

t.test('an offered event is sent, and taken once the client has acknowledged it', async (t) => {
  const { userId, client } = live();
  const conversationId = newId<ConversationId>();
  let answer: string | undefined;
  const offered = stage.offer({ userId }, { n: 1 }, { conversationId, seq: 7 }).then((said) => {
    answer = said;
  });
  t.match(await client.next('message'), { q: 1, n: 1 });
  t.equal(answer, undefined, 'the offer is not answered before');
  client.send({ type: 'ack', q: 1 });
  await offered;
  t.equal(answer, '+');
  await until('the delivery is reported', () => router.reported(conversationId).length > 0);
  t.match(router.reported(conversationId), [[conversationId, userId, 7, Number]]);
  await client.close();
});

t.test('an event that is offered twice is sent once, and each router is answered', async (t) => {
  const { userId, client } = live();
  const eventId = newId<EventId>();
  const offers = [1, 2].map(() => stage.offer({ userId }, { n: 1 }, { eventId }));
  t.match(await client.next('message'), { q: 1 });
  client.send({ type: 'ack', q: 1 });
  t.same(await Promise.all(offers), ['+', '+']);
  t.equal(await stage.offer({ userId }, { n: 1 }, { eventId }), '+');
  t.equal((await client.ask({ type: 'ping' })).type, 'pong');
  t.notOk(client.frames.some(({ type }) => type === 'message'));
  await client.close();
});

t.test('an event that is acknowledged late goes to the queue, and not out twice', async (t) => {
  const { userId, client } = live();
  const [one, two] = [newId<EventId>(), newId<EventId>()];
  const offers = [one, two].map((eventId, n) => stage.offer({ userId }, { n }, { eventId }));
  await client.next('message');
  await client.next('message');
  t.same(await Promise.all(offers), ['-', '-']);
  client.send({ type: 'ack', q: 1 });
  for (const eventId of [one, two]) await stage.enqueue(userId, { n: 'copy' }, { eventId });
  await until('one event is unacknowledged', async () => (await stage.queue(userId)).unacked === 1);
  client.send({ type: 'ack', q: 2 });
  await until('all events are acknowledged', async () => (await stage.queue(userId)).unacked === 0);
  t.equal((await stage.queue(userId)).unsent, 0);
  t.notOk(client.frames.some(({ type }) => type === 'message'));
  await client.close();
});

t.test('a session that ends leaves unacknowledged offers to the queue at once', async (t) => {
  const { userId, client } = live();
  const offered = stage.offer({ userId }, { n: 1 });
  await client.next('message');
  const [ended, late] = await Promise.all([outcomes('ended'), outcomes('late')]);
  const watch = startStopwatch();
  client.send({ type: 'nonsense' });
  await client.close();
  t.equal(await offered, '-');
  const tookMs = watch.stop();
  t.equal(await outcomes('ended'), ended + 1, 'the end of the session refused the offer');
  t.equal(await outcomes('late'), late, 'the offer did not wait for its time to end');
  t.ok(tookMs < 900, `${tookMs} ms`);
  await until(
    'nobody answers offers',
    async () => (await stage.offer({ userId }, { n: 2 })) === 'free',
  );
});

t.test('a session that refuses an event takes from its queue until the event came', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const [one, two] = [newId<EventId>(), newId<EventId>()];
  t.equal(
    await stage.offer({ userId }, { n: 1 }, { eventId: one }),
    '-',
    'the session has just begun',
  );
  const younger = await stage.open(edge, newId<UserId>());
  await untilLive(edge, 1);
  t.equal(await stage.offer({ userId }, { n: 2 }, { eventId: two }), '-', 'still');
  await younger.close();
  await stage.enqueue(userId, { n: 1 }, { eventId: one });
  t.match(await client.next('message'), { q: 1, n: 1 });
  t.equal((await stage.queue(userId)).isHeld, true);
  await stage.enqueue(userId, { n: 2 }, { eventId: two });
  t.match(await client.next('message'), { q: 2, n: 2 });
  const third = stage.offer({ userId }, { n: 3 });
  t.match(await client.next('message'), { q: 3, n: 3 });
  client.send({ type: 'ack', q: 3 });
  t.equal(await third, '+');
  await client.close();
});

t.test('a live session takes what only its queue has, but nothing twice', async (t) => {
  const { userId, client } = live();
  const [known, news] = [newId<EventId>(), newId<EventId>()];
  const offered = stage.offer({ userId }, { n: 1 }, { eventId: known });
  await client.next('message');
  client.send({ type: 'ack', q: 1 });
  t.equal(await offered, '+');
  await stage.enqueue(userId, { n: 1 }, { eventId: known });
  await stage.enqueue(userId, { n: 2 }, { eventId: news });
  t.match(await client.next('message'), { q: 2, n: 2 });
  client.send({ type: 'ack', q: 2 });
  await until('all events are acknowledged', async () => (await stage.queue(userId)).unacked === 0);
  await client.close();
});

t.test(
  'an answer tells that the client was in use, once it sent a frame that is not routine',
  async (t) => {
    const { userId, client } = live();
    let q = 0;
    const answered = async (): Promise<string> => {
      const offered = stage.offer({ userId }, {});
      await client.next('message');
      q += 1;
      client.send({ type: 'ack', q });
      return offered;
    };
    await client.ask({ type: 'ping' });
    client.send({ type: 'auth', token: await tokenOf(userId) });
    await client.next('auth_ok');
    await client.ask({ type: 'read', conversation_id: 'nonsense' });
    await client.ask({ type: 'nonsense' });
    t.equal(await answered(), '+', 'routine and malformed frames show nothing');
    await client.ask({ type: 'presence_unwatch', user_ids: [newId()] });
    t.equal(await answered(), '+*');
    await client.close();
  },
);

t.test(
  'a router can tell clients in use from others that acknowledge at the same time',
  async (t) => {
    const [used, idle] = [live(), live()];
    await used.client.ask({ type: 'presence_unwatch', user_ids: [newId()] });
    const both = [used, idle];
    const offers = both.map(({ userId }) => stage.offer({ userId }, {}));
    for (const { client } of both) await client.next('message');
    for (const { client } of both) client.send({ type: 'ack', q: 1 });
    t.same(await Promise.all(offers), ['+*', '+']);
    for (const { client } of both) await client.close();
  },
);

t.test('a client that lags gets events at the pace of its queue', async (t) => {
  const { userId, client } = live();
  const offers = Array.from({ length: 130 }, (_, n) => stage.offer({ userId }, { n }));
  t.equal(await offers[129], '-');
  await client.nextThat(({ q }) => q === 128);
  client.send({ type: 'ack', q: 128 });
  t.equal(new Set(await Promise.all(offers.slice(0, 128))).size, 1);
  await client.close();
});

t.test('after a reconnect to NATS a session begins with its queue', async (t) => {
  const { userId, client } = live();
  await stage.nats.kill('SIGTERM');
  await stage.nats.restart();
  await until('the stream takes an event', () =>
    stage.enqueue(userId, { n: 1 }).then(
      () => true,
      () => false,
    ),
  );
  t.match(await client.next('message'), { n: 1 });
  await client.close();
});
