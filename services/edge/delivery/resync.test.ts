import t from 'tap';
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
async function connect(userId: UserId) {
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
  const client = await stage.connect(edge, { headers });
  t.match(await client.next('auth_ok'), { resumed: false });
  return client;
}

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
