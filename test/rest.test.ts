import t from 'tap';
import { newId } from '../shared/ids.ts';
import type { MessageEvent } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const API = '/api/v1';

type Conversation = Record<string, unknown> & {
  conversation_id: string;
  participants: { user_id: string; role: string }[];
};

const create = (person: Person, body: unknown) =>
  system.rest('POST', `${API}/conversations`, { token: person.token, body });
const get = (person: Person, path: string) =>
  system.rest('GET', `${API}${path}`, { token: person.token });
const pathOf = (conversation: string): string => `${API}/conversations/${conversation}/messages`;
const post = ({ token }: Person, conversation: string, body: unknown) =>
  system.rest('POST', pathOf(conversation), { token, body });
const codeOf = ({ status, body }: RestAnswer) => [status, body.error?.code];

t.test('a direct conversation is made once, whoever asks, and told to the other', async (t) => {
  const [ann, bob] = await system.people(2);
  const device = await system.connectNew(bob, { edge: 2 });
  const made = await create(ann, { type: 'direct', participant_ids: [bob.id, ann.id, bob.id] });
  t.equal(made.status, 201);
  const body = made.body as Conversation;
  t.match(body, { type: 'direct', version: 1, last_seq: 0, unread: 0, is_muted: false });
  t.same(new Set(body.participants.map(({ user_id }) => user_id)), new Set([ann.id, bob.id]));
  t.ok(body.participants.every(({ role }) => role === 'member'));
  const event = await device.next('conversation');
  t.match(event, { change: 'created', conversation: { conversation_id: body.conversation_id } });
  t.type(event.q, 'number');
  const again = await create(bob, { type: 'direct', participant_ids: [ann.id] });
  t.equal(again.status, 200);
  t.equal(again.body.conversation_id, body.conversation_id);
});

t.test('a direct conversation that both ask for at once is made once', async (t) => {
  const [ann, bob] = await system.people(2);
  const answers = await Promise.all(
    numbers(1, 10).map((n) => {
      const [one, other] = n % 2 === 0 ? [ann, bob] : [bob, ann];
      return create(one, { type: 'direct', participant_ids: [other.id] });
    }),
  );
  t.equal(new Set(answers.map(({ body }) => body.conversation_id)).size, 1);
  t.equal(answers.filter(({ status }) => status === 201).length, 1);
});

t.test('a group has 2 to 8 people and its maker is admin', async (t) => {
  const [ann, ...others]: Person[] = await system.people(9);
  const ids = others.map(({ id }) => id);
  const maker = ann as Person;
  const group = await create(maker, {
    type: 'group',
    participant_ids: ids.slice(0, 7),
    title: 'T',
  });
  t.equal(group.status, 201);
  t.match(group.body, { type: 'group', title: 'T', name: 'T' });
  const roles = (group.body as Conversation).participants.map(({ user_id, role }) => [
    user_id === maker.id,
    role,
  ]);
  t.equal(roles.filter(([isMaker, role]) => isMaker && role === 'admin').length, 1);
  t.equal(roles.filter(([isMaker, role]) => !isMaker && role === 'member').length, 7);
  for (const participant_ids of [ids, [], [maker.id]]) {
    const refused = await create(maker, { type: 'group', participant_ids });
    t.same(codeOf(refused), [400, 'INVALID_REQUEST']);
  }
});

t.test('a malformed new conversation is refused with 400', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const bodies: [string, unknown][] = [
    ['nothing', {}],
    ['no JSON', '{"type":'],
    ['a list', []],
    ['an unknown type', { type: 'channel', participant_ids: [bob.id] }],
    ['oneself', { type: 'direct', participant_ids: [ann.id] }],
    ['two others', { type: 'direct', participant_ids: [bob.id, eve.id] }],
    ['an unknown field', { type: 'direct', participant_ids: [bob.id], role: 'admin' }],
    ['an upper-case id', { type: 'direct', participant_ids: [bob.id.toUpperCase()] }],
    ['a wildcard', { type: 'direct', participant_ids: ['*'] }],
    ['65 ids', { type: 'group', participant_ids: numbers(1, 65).map(() => bob.id) }],
    [
      'people and a business',
      { type: 'business', business_id: newId(), participant_ids: [bob.id] },
    ],
    ['oneself as a business', { type: 'business', business_id: ann.id }],
    ['a title of 201', { type: 'group', participant_ids: [bob.id], title: 'x'.repeat(201) }],
    ['NUL in the title', { type: 'group', participant_ids: [bob.id], title: 'a\0' }],
    [
      'a script as avatar',
      { type: 'group', participant_ids: [bob.id], avatar_url: 'javascript:1' },
    ],
  ];
  for (const [name, body] of bodies) {
    t.same(codeOf(await create(ann, body)), [400, 'INVALID_REQUEST'], name);
  }
});

t.test('a message by REST reaches sockets, and answers 201 and its repeat 200', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const device = await system.connectNew(bob, { edge: 2 });
  const body = { client_msg_id: newId<string>(), content: 'by REST', metadata: { a: 1 } };
  const first = await post(ann, conversation, body);
  t.equal(first.status, 201);
  t.match(first.body, { seq: 1, client_msg_id: body.client_msg_id, conversation_id: conversation });
  const postWithKey = (key: string, body: unknown) =>
    system.rest('POST', pathOf(conversation), {
      ...{ token: ann.token, body, headers: { 'idempotency-key': key } },
    });
  const second = await postWithKey(body.client_msg_id, { content: 'x' });
  t.equal(second.status, 200);
  t.match(second.body, { ...first.body, duplicate: true });
  t.match(await device.messages(1), [{ content: 'by REST', metadata: { a: 1 }, seq: 1 }]);
  const both = { ...body, client_msg_id: newId<string>() };
  t.same(codeOf(await postWithKey(newId(), both)), [400, 'INVALID_REQUEST']);
  const none = await post(ann, conversation, { content: 'no key' });
  t.same(codeOf(none), [400, 'INVALID_REQUEST']);
});

t.test('history pages both ways without a gap and refuses two positions at once', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const writer = await system.connectNew(ann);
  for (const n of numbers(1, 12)) await writer.post(conversation, `${n}`);
  const page = async (query: string) => {
    const { status, body } = await get(bob, `/conversations/${conversation}/messages?${query}`);
    t.equal(status, 200);
    return { seqs: seqsOf(body.messages as MessageEvent[]), body };
  };
  t.same((await page('')).seqs, numbers(1, 12));
  const latest = await page('limit=5');
  t.same(latest.seqs, numbers(8, 12));
  t.match(latest.body, { has_more: true, first_seq: 1 });
  t.same((await page('limit=5&before_seq=8')).seqs, numbers(3, 7));
  const oldest = await page('limit=5&before_seq=3');
  t.same([oldest.seqs, oldest.body.has_more], [[1, 2], false]);
  t.same((await page('limit=4&after_seq=6')).seqs, numbers(7, 10));
  const end = await page('after_seq=12');
  t.same([end.seqs, end.body.has_more], [[], false]);
  const since = await page('since=2000-01-01T00:00:00.000Z&limit=3');
  t.same(since.seqs, [1, 2, 3]);
  const receipts = since.body.receipts as { user_id: string; read_seq: number }[];
  t.equal(receipts.find(({ user_id }) => user_id === ann.id)?.read_seq, 12);
  for (const query of ['before_seq=3&after_seq=1', 'limit=0', 'limit=201', 'limit=x', 'page=2']) {
    const answer = await get(bob, `/conversations/${conversation}/messages?${query}`);
    t.same(codeOf(answer), [400, 'INVALID_REQUEST'], query);
  }
});

t.test("the list is newest first and in pages, and has the user's own last changes", async (t) => {
  const [ann, ...others]: Person[] = await system.people(6);
  const maker = ann as Person;
  const ids: string[] = [];
  for (const other of others) ids.push(await system.conversation([maker, other]));
  const second = ids[1] as string;
  await post(maker, second, { client_msg_id: newId(), content: 'newest' });
  const listed: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await get(maker, `/conversations?limit=2${more}`);
    listed.push(...(body.conversations as Conversation[]).map((one) => one.conversation_id));
    cursor = body.next_cursor as string | null;
  }
  t.equal(listed[0], second);
  t.same(listed.slice(1), ids.filter((id) => id !== second).reverse());
  const one = await get(maker, `/conversations/${second}`);
  t.match(one.body, { last_seq: 1, last_read_seq: 1, unread: 0 });
  t.match(one.body.last_message, { content: 'newest', sender_id: maker.id, seq: 1 });
  const other = await get(others[1] as Person, `/conversations/${second}`);
  t.match(other.body, { last_seq: 1, last_read_seq: 0, unread: 1 });
});

t.test('a missing conversation and a forbidden one are told apart', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const conversation = await system.conversation([ann, bob]);
  const none = newId<string>();
  const body = { client_msg_id: newId<string>(), content: 'x' };
  for (const path of [
    `/conversations/${conversation}`,
    `/conversations/${conversation}/messages`,
  ]) {
    t.same(codeOf(await get(eve, path)), [403, 'NOT_A_PARTICIPANT'], path);
  }
  t.same(codeOf(await post(eve, conversation, body)), [403, 'NOT_A_PARTICIPANT']);
  for (const path of [`/conversations/${none}`, `/conversations/${none}/messages`]) {
    t.same(codeOf(await get(eve, path)), [404, 'CONVERSATION_NOT_FOUND'], path);
  }
  t.same(codeOf(await post(eve, none, body)), [404, 'CONVERSATION_NOT_FOUND']);
});

t.test('a path or a method that does not exist is refused', async (t) => {
  const { token } = await system.person();
  const cases: [string, string, number, string][] = [
    ['GET', `${API}/nothing`, 404, 'NOT_FOUND'],
    ['GET', `${API}/conversations/%zz`, 400, 'INVALID_REQUEST'],
    ['GET', '/api/v1/../../etc/passwd', 404, 'NOT_FOUND'],
    ['PUT', `${API}/conversations`, 405, 'INVALID_REQUEST'],
    ['POST', '/ws', 405, 'INVALID_REQUEST'],
    ['GET', `${API}/conversations/x`, 400, 'INVALID_REQUEST'],
    ['GET', `${API}/conversations/*`, 400, 'INVALID_REQUEST'],
  ];
  for (const [method, path, status, code] of cases) {
    const answer = await system.rest(method, path, { token });
    t.same(codeOf(answer), [status, code], `${method} ${path}`);
  }
  const anonymous = await system.rest('GET', `${API}/conversations`);
  t.same(codeOf(anonymous), [401, 'UNAUTHENTICATED']);
});

t.test('a HEAD is answered as a GET, without the body', async (t) => {
  const ann = await system.person();
  const headers = { authorization: `Bearer ${ann.token}` };
  const [url] = system.stack.urls.edges;
  for (const path of [`${API}/conversations`, `${API}/nothing`, '/openapi.json', '/']) {
    const ask = (method: string) => fetch(`${url}${path}`, { method, headers });
    const [get, head] = [await ask('GET'), await ask('HEAD')];
    t.equal(head.status, get.status, path);
    t.equal(head.headers.get('content-type'), get.headers.get('content-type'), path);
    t.same([await head.text(), (await get.text()).length > 0], ['', true], path);
  }
});

t.test('the aliases of a path serve the same conversation', async (t) => {
  const [ann, bob] = await system.people(2);
  const id = await system.conversation([ann, bob]);
  for (const path of [`/api/chat/conversations/${id}`, `/api/v1/chats/${id}`]) {
    const { status, body } = await system.rest('GET', path, { token: ann.token });
    t.same([status, body.conversation_id], [200, id], path);
  }
});

t.test('an allowed Origin gets CORS headers even on errors, and another gets none', async (t) => {
  const call = async (method: string, origin: string) => {
    const { headers, status } = await system.rest(method, `${API}/conversations`, {
      headers: { origin },
    });
    return { status, allowed: headers.get('access-control-allow-origin') };
  };
  t.same(await call('OPTIONS', 'http://localhost:5173'), {
    ...{ status: 204, allowed: 'http://localhost:5173' },
  });
  t.same(await call('GET', 'http://127.0.0.1:1'), { status: 401, allowed: 'http://127.0.0.1:1' });
  t.equal((await call('GET', 'https://evil.example')).allowed, null);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
