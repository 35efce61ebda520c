import t from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { setStage } from '../stage/edge-stage.ts';
import { firstFor } from './rendezvous.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
t.teardown(() => stage.close());

const message = (changes: Record<string, unknown> = {}) => ({
  type: 'message',
  client_msg_id: newId(),
  conversation_id: newId(),
  content: 'hello',
  ...changes,
});

/** Resolves once the edge knows exactly so many routers. */
function untilKnown(routers: number): Promise<true> {
  const expected = new RegExp(`kaha_edge_routers\\{.*\\} ${routers}\\n`);
  const url = `http://127.0.0.1:${edge.adminPort}/metrics`;
  return until('the edge knows the routers', async () =>
    expected.test(await (await fetch(url)).text()),
  );
}

t.test('the router gets a message as it came, with the user who sent it', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  router.script.message = ({ client_msg_id }) => ({ client_msg_id, seq: 7, duplicate: true });
  const frame = message({ message_type: 'image', metadata: { w: 1 }, reply_to: newId() });
  const answer = await client.ask(frame);
  t.match(answer, { type: 'reply', data: { seq: 7, duplicate: true } });
  const { type: _type, ...input } = frame;
  t.same(router.last('message'), { op: 'message', user_id: userId, ...input });
  router.script.message = () => {
    throw new KahaError('NOT_A_PARTICIPANT', 'no', { details: { a: 1 } });
  };
  const refused = await client.ask(frame);
  t.same(refused, {
    type: 'error',
    id: refused.id,
    client_msg_id: frame.client_msg_id,
    error: { code: 'NOT_A_PARTICIPANT', message: 'no', details: { a: 1 } },
  });
  await client.close();
});

t.test('the router of a conversation gets a read by seq or by message', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  router.script.read = ({ seq }) => ({ last_read_seq: seq ?? 9 });
  const place = { conversation_id: newId<ConversationId>() };
  const read = (rest: object) => client.ask({ type: 'read', ...place, ...rest });
  t.match(await read({ seq: 3 }), { type: 'reply', data: { last_read_seq: 3 } });
  t.same(router.last('read'), { op: 'read', user_id: userId, ...place, seq: 3 });
  const message_id = newId();
  t.match(await read({ message_id }), { type: 'reply', data: { last_read_seq: 9 } });
  t.same(router.last('read'), { op: 'read', user_id: userId, ...place, message_id });
  for (const bad of [{}, { seq: 1, message_id }, { seq: 1.5 }, { seq: 1, user_id: newId() }]) {
    t.match(await read(bad), { error: { code: 'INVALID_REQUEST' } });
  }
  await client.close();
});

t.test('a request for history asks store, with its time in milliseconds', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  let asked: unknown;
  const page = { messages: [], has_more: false, first_seq: 1, receipts: [] };
  const server = store.serve(
    { subject: subjects.store('messages.history'), concurrencyMax: 9 },
    (body) => {
      asked = body;
      return page;
    },
  );
  await store.nc.flush();
  const conversation_id = newId<ConversationId>();
  const frame = { type: 'history', conversation_id, since: '2026-01-02T03:04:05Z', limit: 3 };
  t.match(await client.ask(frame), { type: 'reply', data: page });
  t.same(asked, { user_id: userId, conversation_id, since: '2026-01-02T03:04:05.000Z', limit: 3 });
  await server.drain();
  t.match(await client.ask(frame), { error: { code: 'DATABASE_UNAVAILABLE' } });
  await client.close();
});

t.test('a list of conversations asks store, and a new conversation the router', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  let asked: unknown;
  const subject = subjects.store('conversations.list');
  const server = store.serve({ subject, concurrencyMax: 9 }, (body) => {
    asked = body;
    return { records: [], next_cursor: null };
  });
  await store.nc.flush();
  const list = await client.ask({ type: 'conversations', archived: true, limit: 5, cursor: 'c' });
  t.match(list, { data: { conversations: [], next_cursor: null } });
  t.same(asked, { user_id: userId, archived: true, limit: 5, cursor: 'c' });
  await server.drain();
  t.match(await client.ask({ type: 'conversations' }), { error: { code: 'DATABASE_UNAVAILABLE' } });
  const record = conversationRecord([userId], { type: 'group', title: 'x' });
  router.script['conversations.create'] = () => ({ record, created: false });
  const other = newId<UserId>();
  const create = (conversation: object) =>
    client.ask({ type: 'create_conversation', conversation });
  const direct = { type: 'direct', participant_ids: [other, userId, other] };
  t.match(await create(direct), { type: 'reply', data: { name: 'x' } });
  t.match(router.last('conversations.create'), {
    op: 'conversations.create',
    conversation: direct,
  });
  const many = Array.from({ length: 8 }, () => newId<UserId>());
  for (const [name, conversation] of [
    ['direct with two others', { type: 'direct', participant_ids: [other, newId()] }],
    ['direct with oneself', { type: 'direct', participant_ids: [userId] }],
    ['group of one', { type: 'group', participant_ids: [userId] }],
    ['group of nine', { type: 'group', participant_ids: many }],
    ['business with people', { type: 'business', business_id: newId(), participant_ids: many }],
  ] as const) {
    t.match(await create(conversation), { error: { code: 'INVALID_REQUEST' } }, name);
  }
  const group = { type: 'group', participant_ids: [...many.slice(1), userId], title: 'T' };
  t.match(await create(group), { type: 'reply' });
  await client.close();
});

t.test('a message beyond the rate is RATE_LIMITED with retry_after; a ping is not', async (t) => {
  router.script.message = () => ({ seq: 1 });
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const answers = await Promise.all(Array.from({ length: 25 }, () => client.ask(message())));
  const refused = answers.filter(({ type }) => type === 'error');
  t.ok(refused.length >= 4 && refused.length <= 5, `${refused.length} of 25`);
  t.match(refused[0], { error: { code: 'RATE_LIMITED', retry_after: Number } });
  const waits = refused.map(({ error }) => (error as { retry_after: number }).retry_after);
  t.ok(waits.every((waitS) => waitS > 0 && waitS <= 0.6));
  const second = await stage.open(edge, userId, 'tablet');
  const more = await Promise.all(Array.from({ length: 3 }, () => second.ask(message())));
  t.ok(
    more.some(({ type }) => type === 'error'),
    'the limit is of the user, not of the socket',
  );
  const pongs = await Promise.all(Array.from({ length: 300 }, () => client.ask({ type: 'ping' })));
  t.ok(pongs.every(({ type }) => type === 'pong'));
  const lists = await Promise.all(
    Array.from({ length: 120 }, () => client.ask({ type: 'conversations' })),
  );
  t.ok(lists.some(({ type }) => type === 'error'));
  await client.close();
  await second.close();
});

t.test('the edge asks the next router at once, in order, when a router is gone', async (t) => {
  const second = await stage.startRouter('router-2');
  const got: string[] = [];
  for (const [name, { script }] of Object.entries({ 'router-1': router, 'router-2': second })) {
    script.message = ({ content }) => {
      got.push(`${name} ${content}`);
      return { seq: got.length };
    };
  }
  await untilKnown(2);
  const client = await stage.open(edge, newId<UserId>());
  let conversation_id = newId<ConversationId>();
  while (firstFor(conversation_id, ['router-1', 'router-2']) !== 'router-2') {
    conversation_id = newId<ConversationId>();
  }
  t.match(await client.ask(message({ conversation_id, content: 'a' })), { type: 'reply' });
  // The router dies without a goodbye, so its heartbeats are believed for a while.
  await second.leave();
  const answers = await Promise.all(
    ['b', 'c', 'd'].map((content) => client.ask(message({ conversation_id, content }))),
  );
  t.ok(answers.every(({ type }) => type === 'reply'));
  t.same(got, ['router-2 a', 'router-1 b', 'router-1 c', 'router-1 d']);
  await client.close();
});

t.test('while a send is unanswered, later sends of its socket go to the same router', async (t) => {
  const client = await stage.open(edge, newId<UserId>());
  let conversation_id = newId<ConversationId>();
  while (firstFor(conversation_id, ['router-1', 'router-3']) !== 'router-3') {
    conversation_id = newId<ConversationId>();
  }
  let answerFirst = (): void => undefined;
  const got: string[] = [];
  const isThere = new Promise<void>((resolve) => {
    router.script.message = async ({ content }) => {
      got.push(`router-1 ${content}`);
      resolve();
      if (content !== 'a') return { seq: 2 };
      await new Promise<void>((go) => {
        answerFirst = go;
      });
      return { seq: 1 };
    };
  });
  const first = client.ask(message({ conversation_id, content: 'a' }));
  await isThere;
  const third = await stage.startRouter('router-3');
  third.script.message = ({ content }) => {
    got.push(`router-3 ${content}`);
    return { seq: 3 };
  };
  await untilKnown(2);
  await client.ask(message({ conversation_id, content: 'b' }));
  answerFirst();
  await first;
  await client.ask(message({ conversation_id, content: 'c' }));
  t.same(got, ['router-1 a', 'router-1 b', 'router-3 c']);
  await third.leave();
  await client.close();
});

t.test('a request to a frozen router is answered TIMEOUT after 4 s', async (t) => {
  const client = await stage.open(edge, newId<UserId>());
  let thaw = (_: unknown): void => undefined;
  router.script.message = () =>
    new Promise((resolve) => {
      thaw = resolve;
    });
  const startedAt = Date.now();
  const watch = startStopwatch();
  t.match(await client.ask(message()), { error: { code: 'TIMEOUT' } });
  const tookMs = Date.now() - startedAt;
  t.ok(tookMs >= 3_900, `${tookMs} ms`);
  t.ok(watch.stop() < 4_500, `${tookMs} ms`);
  thaw({});
  await client.close();
});
