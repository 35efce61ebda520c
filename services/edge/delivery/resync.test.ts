import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { UndeliveredMessage, UndeliveredPage } from '../../../shared/contracts/messages.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
const profiles = await stage.busOf('profiles');
t.teardown(() => stage.close());

/** The store answers each question for undelivered messages by this function. */
let answer: (cursor: string | undefined) => Promise<UndeliveredPage> | UndeliveredPage;
const asked: unknown[] = [];
store.serve({ subject: subjects.store('messages.undelivered'), concurrencyMax: 9 }, (body) => {
  asked.push(body);
  return answer((body as { cursor?: string }).cursor);
});
await store.nc.flush();

const CONVERSATIONS = [newId<ConversationId>(), newId<ConversationId>()] as const;
const message = (seq: number, which: 0 | 1 = 0): UndeliveredMessage =>
  ({ conversation_id: CONVERSATIONS[which], seq }) as UndeliveredMessage;
const page = (messages: UndeliveredMessage[], next_cursor: string | null = null) => {
  return { messages, next_cursor, complete: next_cursor === null };
};

t.beforeEach(() => {
  asked.splice(0);
  answer = () => page([]);
});

/** Connects without acknowledging anything. */
async function connect(userId: UserId, resumed = false) {
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
  const client = await stage.connect(edge, { headers });
  t.match(await client.next('auth_ok'), { resumed });
  return client;
}

/** The routers put markers into the queues that they make, until the test is over. */
function setMarkers(t: Pick<Test, 'teardown'>, ackWaitNs?: number): void {
  router.script['session.open'] = (request) => stage.openMarkedQueue(request, ackWaitNs);
  t.teardown(() => {
    router.script['session.open'] = (request) => stage.openQueue(request);
  });
}

const untilUnacked = (userId: UserId, count: number): Promise<unknown> =>
  until(`the queue waits for ${count} acknowledgements`, async () => {
    const { unacked, unsent } = await stage.queue(userId);
    return unacked === count && unsent === 0;
  });

t.test('the replay of undelivered messages follows a new queue, and its end has a q', async (t) => {
  answer = (cursor) => (cursor === undefined ? page([message(1)], 'c1') : page([message(2)]));
  const userId = newId<UserId>();
  const client = await connect(userId);
  t.same(await client.next('message'), { type: 'message', ...message(1) });
  t.same(await client.next('message'), { type: 'message', ...message(2) });
  t.same(await client.next('replay_end'), { q: 1, type: 'replay_end', complete: true });
  t.same(asked, [{ user_id: userId }, { user_id: userId, cursor: 'c1' }]);
  await stage.enqueue(userId, { n: 1 });
  t.match(await client.next('message'), { q: 2, n: 1 });
  await client.close();
});

t.test('a replay counts as delivered once its end is acknowledged', async (t) => {
  answer = () => page([message(3), message(8, 1), message(4), message(9, 1)]);
  const userId = newId<UserId>();
  const client = await connect(userId);
  const { q } = await client.next('replay_end');
  await stage.enqueue(userId, { n: 1 }, { conversationId: CONVERSATIONS[0], seq: 5 });
  await client.nextThat(({ n }) => n === 1);
  t.same(router.reported(CONVERSATIONS[0]), []);
  client.send({ type: 'ack', q });
  const reports = () => CONVERSATIONS.map((id) => router.reported(id)[0]);
  await until('the delivery is reported', () => reports().every((one) => one !== undefined));
  t.match(reports(), [
    [CONVERSATIONS[0], userId, 4, Number],
    [CONVERSATIONS[1], userId, 9, Number],
  ]);
  await client.close();
});

t.test('what is acknowledged during a replay counts as delivered with the replay', async (t) => {
  const conversationId = newId<ConversationId>();
  let goOn = (): void => undefined;
  answer = () => new Promise((resolve) => (goOn = () => resolve(page([]))));
  const userId = newId<UserId>();
  const client = await connect(userId);
  await stage.enqueue(userId, {}, { conversationId, seq: 9 });
  await client.next('message');
  client.send({ type: 'ack', q: 1 });
  await until('the queue is done', async () => (await stage.queue(userId)).unacked === 0);
  t.same(router.reported(conversationId), [], 'older messages may still be replayed');
  goOn();
  const { q } = await client.next('replay_end');
  client.send({ type: 'ack', q });
  await until('the delivery is reported', () => router.reported(conversationId).length > 0);
  t.match(router.reported(conversationId), [[conversationId, userId, 9, Number]]);
  await client.close();
});

t.test('a replay that was cut counts as far as it came', async (t) => {
  const conversation_id = newId<ConversationId>();
  const first = [{ conversation_id, seq: 1 } as UndeliveredMessage];
  answer = (cursor) =>
    cursor === undefined ? page(first, 'c1') : Promise.reject(new Error('the store fails'));
  const client = await connect(newId<UserId>());
  const { q, complete } = await client.next('replay_end');
  t.equal(complete, false);
  client.send({ type: 'ack', q });
  await until('the delivery is reported', () => router.reported(conversation_id).length > 0);
  t.match(router.reported(conversation_id), [[conversation_id, String, 1, Number]]);
  await client.close();
});

t.test('the end of a replay comes behind an event that waits for names', async (t) => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let isAsked = false;
  const naming = profiles.serve(
    { subject: subjects.profiles('get'), concurrencyMax: 9 },
    async () => {
      isAsked = true;
      await opened;
      return { users: [], businesses: [] };
    },
  );
  await profiles.nc.flush();
  let goOn = (): void => undefined;
  answer = () => new Promise((resolve) => (goOn = () => resolve(page([message(1)]))));
  const userId = newId<UserId>();
  const client = await connect(userId);
  const conversation = { type: 'direct', participants: [{ user_id: userId }] };
  const header = { kind: 'conversation', isNameless: true } as const;
  await stage.enqueue(userId, { change: 'created', conversation }, header);
  await until('names are asked for', () => isAsked);
  goOn();
  await client.next('message');
  t.same(client.frames, [], 'what came first is sent first');
  open();
  t.match(await client.next('conversation'), { q: 1 });
  t.match(await client.next('replay_end'), { q: 2 });
  client.send({ type: 'ack', q: 2 });
  await until('the event is acknowledged', async () => (await stage.queue(userId)).unacked === 0);
  await naming.drain();
  await client.close();
});

t.test('a resync during a replay begins it anew, and only the new one ends', async (t) => {
  let goOn = (): void => undefined;
  answer = () => new Promise((resolve) => (goOn = () => resolve(page([message(1)]))));
  const userId = newId<UserId>();
  const client = await connect(userId);
  await until('the first replay runs', () => asked.length === 1);
  const endFirst = goOn;
  answer = () => page([message(2)]);
  await stage.deleteQueue(userId, 'phone');
  await client.ask({ type: 'auth', token: await tokenOf(userId), resync: true });
  t.match(await client.next('message'), { seq: 2 });
  t.match(await client.next('replay_end'), { q: 1, complete: true });
  endFirst();
  t.equal((await client.ask({ type: 'ping' })).type, 'pong');
  t.same(client.frames, []);
  await client.close();
});

t.test('a new queue has its marker until the end of the replay is acknowledged', async (t) => {
  setMarkers(t);
  const userId = newId<UserId>();
  const client = await connect(userId);
  const { q } = await client.next('replay_end');
  await untilUnacked(userId, 1);
  t.same(client.frames, [], 'who was told by auth_ok is not told again');
  client.send({ type: 'ack', q });
  await untilUnacked(userId, 0);
  await client.close();
  const again = await connect(userId, true);
  t.equal((await again.ask({ type: 'ping' })).type, 'pong');
  t.same(again.frames, [], 'no session is told again');
  t.equal(asked.length, 1);
  await again.close();
});

t.test('a device whose session ends before it acknowledged is told by the next one', async (t) => {
  setMarkers(t);
  answer = () => page([message(1)]);
  const userId = newId<UserId>();
  const first = await connect(userId);
  await stage.enqueue(userId, { n: 1 });
  await first.nextThat(({ n }) => n === 1);
  await first.next('replay_end');
  await first.close();
  const second = await connect(userId, true);
  await second.seen('replay_end');
  await second.nextThat(({ n }) => n === 1);
  t.equal(second.frames[0]?.type, 'resync', 'the marker comes first');
  t.match(second.frames.slice(1), [{ type: 'message', seq: 1 }, { type: 'replay_end' }]);
  second.send({ type: 'ack', q: 2 });
  await untilUnacked(userId, 0);
  await second.close();
});

t.test('a device whose session ends amid the replay is told by the next one', async (t) => {
  setMarkers(t);
  answer = () => new Promise(() => undefined);
  const userId = newId<UserId>();
  const first = await connect(userId);
  await until('the replay runs', () => asked.length === 1);
  await untilUnacked(userId, 1);
  await first.close();
  answer = () => page([message(1)]);
  const second = await connect(userId, true);
  await second.next('resync');
  await second.next('message');
  const { q } = await second.next('replay_end');
  second.send({ type: 'ack', q });
  await untilUnacked(userId, 0);
  await second.close();
});

t.test('a marker that the queue sends again begins nothing', async (t) => {
  setMarkers(t, 500_000_000);
  let goOn = (): void => undefined;
  answer = () => new Promise((resolve) => (goOn = () => resolve(page([]))));
  const userId = newId<UserId>();
  const client = await connect(userId);
  await until('it was sent again', async () => (await stage.queue(userId)).repeated === 1);
  goOn();
  const { q } = await client.next('replay_end');
  client.send({ type: 'ack', q });
  await untilUnacked(userId, 0);
  t.same(client.frames, []);
  t.equal(asked.length, 1);
  await client.close();
});

t.test('a marker that comes late is done with, and a second one begins a resync', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  client.frames.splice(0);
  await stage.mark(userId);
  await untilUnacked(userId, 0);
  t.equal((await client.ask({ type: 'ping' })).type, 'pong');
  t.same(client.frames, []);
  await stage.mark(userId);
  await client.next('resync');
  const { q } = await client.next('replay_end');
  await untilUnacked(userId, 1);
  client.send({ type: 'ack', q });
  await untilUnacked(userId, 0);
  await client.close();
});

t.test('a resync that its client asks for is told once', async (t) => {
  setMarkers(t);
  const userId = newId<UserId>();
  const client = await connect(userId);
  await client.next('replay_end');
  await stage.deleteQueue(userId, 'phone');
  const ok = await client.ask({ type: 'auth', token: await tokenOf(userId), resync: true });
  t.match(ok, { resumed: false });
  t.match(await client.next('replay_end'), { q: 2 });
  await untilUnacked(userId, 1);
  client.send({ type: 'ack', q: 2 });
  await untilUnacked(userId, 0);
  t.same(client.frames, []);
  await client.close();
});
