import { connect } from 'node:net';
import t from 'tap';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
t.teardown(() => stage.close());

const userId = newId<UserId>();
const conversationId = newId<ConversationId>();
const token = await tokenOf(userId);
const page = { messages: [], has_more: false, first_seq: 1, receipts: [] };
let historyAsked: unknown;
store.serve({ subject: subjects.store('messages.history'), concurrencyMax: 9 }, (body) => {
  historyAsked = body;
  return page;
});
let listAsked: unknown;
store.serve({ subject: subjects.store('conversations.list'), concurrencyMax: 9 }, (body) => {
  listAsked = body;
  return { records: [], next_cursor: null };
});
let getConversation: () => { record: ConversationRecord };
store.serve({ subject: subjects.store('conversations.get'), concurrencyMax: 99 }, () =>
  getConversation(),
);
await store.nc.flush();

type Call = { method?: string; body?: unknown; headers?: Record<string, string> };

async function call(path: string, options: Call = {}) {
  const { method = options.body === undefined ? 'GET' : 'POST', body, headers } = options;
  const response = await fetch(`http://127.0.0.1:${edge.port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const BASES = ['/api/v1/conversations', '/api/chat/conversations', '/api/v1/chats'];

t.test('conversations are made, listed and shown below all aliases of the path', async (t) => {
  const made = conversationRecord([userId], { type: 'group', title: 'x' });
  router.script['conversations.create'] = () => ({ record: made, created: true });
  const shown = conversationRecord([userId], { type: 'group', title: 'y' });
  getConversation = () => ({ record: shown });
  for (const base of BASES) {
    const body = { type: 'direct', participant_ids: [newId()] };
    t.match(await call(base, { body }), { status: 201, body: { name: 'x' } });
    t.match(await call(`${base}?limit=7&archived=true&cursor=a%2Bb`), {
      status: 200,
      body: { conversations: [], next_cursor: null },
    });
    const query = { limit: 7, archived: true, cursor: 'a+b' };
    t.same(listAsked, { user_id: userId, ...query });
    t.match(await call(`${base}/${conversationId}`), { status: 200, body: { name: 'y' } });
    t.match(await call(`${base}/${conversationId}/messages?after_seq=3`), {
      status: 200,
      body: page,
    });
    t.same(historyAsked, { user_id: userId, conversation_id: conversationId, after_seq: 3 });
  }
  router.script['conversations.create'] = () => ({ record: made, created: false });
  const again = await call(BASES[0] as string, {
    body: { type: 'direct', participant_ids: [newId()] },
  });
  t.equal(again.status, 200, 'the conversation existed');
});

t.test('the body or the header Idempotency-Key gives the client_msg_id of a message', async (t) => {
  router.script.message = ({ client_msg_id }) => ({ client_msg_id, seq: 1 });
  const path = `/api/v1/conversations/${conversationId}/messages`;
  const client_msg_id = newId<string>();
  const content = 'hello';
  const key = { 'idempotency-key': client_msg_id };
  t.match(await call(path, { body: { client_msg_id, content } }), {
    status: 201,
    body: { seq: 1 },
  });
  t.match(await call(path, { body: { content }, headers: key }), { body: { client_msg_id } });
  t.same(router.last('message'), {
    op: 'message',
    user_id: userId,
    conversation_id: conversationId,
    content,
    client_msg_id,
  });
  t.match(await call(path, { body: { client_msg_id, content }, headers: key }), { status: 201 });
  const different = { body: { client_msg_id: newId(), content }, headers: key };
  t.match(await call(path, different), {
    status: 400,
    body: { error: { code: 'INVALID_REQUEST' } },
  });
  t.match(await call(path, { body: { content } }), { status: 400 }, 'no key');
  const ofBrowser = { 'idempotency-key': '"1389304195734095360"' };
  t.match(await call(path, { body: { content }, headers: ofBrowser }), { status: 400 });
  t.match(await call(path, { body: { client_msg_id, content }, headers: ofBrowser }), {
    ...{ status: 201, body: { client_msg_id } },
  });
  router.script.message = () => ({ seq: 1, duplicate: true });
  t.match(await call(path, { body: { client_msg_id, content } }), { status: 200 });
});

t.test('a malformed call is answered with 400', async (t) => {
  const messages = `/api/v1/conversations/${conversationId}/messages`;
  const cases: [string, string, Call][] = [
    ['not JSON', '/api/v1/conversations', { body: '{' }],
    ['empty body', '/api/v1/conversations', { method: 'POST' }],
    ['unknown field', messages, { body: { client_msg_id: newId(), content: 'x', a: 1 } }],
    ['forbidden key', messages, { body: '{"content":"x","metadata":{"__proto__":1}}' }],
    ['NUL', messages, { body: { client_msg_id: newId(), content: '\0' } }],
    ['limit 0', `${messages}?limit=0`, {}],
    ['limit 201', `${messages}?limit=201`, {}],
    ['limit is text', `${messages}?limit=ten`, {}],
    ['limit is empty', `${messages}?limit=`, {}],
    ['twice', `${messages}?limit=1&limit=2`, {}],
    ['two ways', `${messages}?before_seq=1&after_seq=1`, {}],
    ['unknown query', `${messages}?page=1`, {}],
    ['malformed id', '/api/v1/conversations/42', {}],
    ['not a socket', '/ws', {}],
  ];
  for (const [name, path, options] of cases) {
    const answer = await call(path, options);
    t.equal(answer.status, 400, name);
    t.match(answer.body, { error: { code: 'INVALID_REQUEST', message: String } }, name);
  }
});

t.test(
  'a bad token is 401, an unknown path 404, a bad escape 400, a wrong method 405',
  async (t) => {
    for (const authorization of ['', 'Bearer', 'Bearer a.b.c', 'Basic x', `Bearer ${token} x`]) {
      const answer = await call('/api/v1/conversations', { headers: { authorization } });
      t.match(answer, { status: 401, body: { error: { code: 'UNAUTHENTICATED' } } }, authorization);
    }
    for (const path of [
      '/',
      '/api/v1',
      '/api/v1/',
      '/api/v2/conversations',
      '/api/v1/conversations/',
      '/api/v1/__proto__',
      `/api/v1/conversations/${conversationId}/nothing`,
      '/api/chat/chats',
      '/api/v1/chatsx',
      '/%zz',
    ]) {
      const answer = await call(path, { headers: { authorization: '' } });
      t.match(answer, { status: 404, body: { error: { code: 'NOT_FOUND' } } }, path);
    }
    for (const path of ['/api/v1/%ff', '/api/v1/messages/%zz', '/api/chat/messages/%']) {
      const answer = await call(path);
      t.match(answer, { status: 400, body: { error: { code: 'INVALID_REQUEST' } } }, path);
    }
    const wrong = await call('/api/v1/conversations', { method: 'DELETE' });
    t.match(wrong, { status: 405, body: { error: { code: 'INVALID_REQUEST' } } });
    t.equal(wrong.headers.get('allow'), 'POST, GET, OPTIONS');
    t.equal((await call('/ws', { method: 'POST', body: '' })).status, 405);
  },
);

t.test('each error has its status, and 429 and 503 tell when to try again', async (t) => {
  const path = `/api/v1/conversations/${newId()}`;
  for (const [code, status] of [
    ['NOT_A_PARTICIPANT', 403],
    ['CONVERSATION_NOT_FOUND', 404],
    ['CONFLICT', 409],
    ['DATABASE_UNAVAILABLE', 503],
    ['TIMEOUT', 504],
    ['INTERNAL', 500],
  ] as const) {
    getConversation = () => {
      throw new KahaError(code, 'because');
    };
    const answer = await call(path);
    t.match(answer, { status, body: { error: { code } } });
    t.equal(answer.headers.has('retry-after'), status === 503);
  }
  getConversation = () => ({ record: conversationRecord([], { type: 'group', title: 'x' }) });
  const own = { authorization: `Bearer ${await tokenOf(newId())}` };
  const answers = await Promise.all(Array.from({ length: 60 }, () => call(path, { headers: own })));
  const refused = answers.filter(({ status }) => status === 429);
  t.ok(refused.length >= 15, `${refused.length} of 60`);
  t.match(refused[0]?.body, { error: { code: 'RATE_LIMITED', retry_after: Number } });
  t.equal(refused[0]?.headers.get('retry-after'), '1');
});

t.test('a body above 64 KiB is answered with 413, however it is sent', async (t) => {
  const path = `/api/v1/conversations/${conversationId}/messages`;
  const headers = { authorization: `Bearer ${await tokenOf(newId())}` };
  const padded = (bytes: number): string => {
    const body = JSON.stringify({ client_msg_id: newId(), content: 'x' });
    return body + ' '.repeat(bytes - body.length);
  };
  t.equal((await call(path, { body: padded(65_536), headers })).status, 200);
  for (const bytes of [65_537, 300_000]) {
    const answer = await call(path, { body: padded(bytes), headers });
    t.match(answer, { status: 413, body: { error: { code: 'PAYLOAD_TOO_LARGE' } } });
  }
  const head = await new Promise<string>((resolve) => {
    const socket = connect(edge.port, '127.0.0.1');
    socket.once('data', (chunk) => {
      resolve(chunk.toString().split('\r\n')[0] as string);
      socket.destroy();
    });
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\n` +
        'Content-Length: 900000000\r\n\r\n{',
    );
  });
  t.equal(head, 'HTTP/1.1 413 Payload Too Large');
  t.equal((await call(path, { body: padded(100), headers })).status, 200, 'the edge lives');
});

t.test('pages of an allowed Origin may read answers, and pages of others may not', async (t) => {
  const origin = 'http://localhost:5173';
  const preflight = await call('/api/v1/conversations', { method: 'OPTIONS', headers: { origin } });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers.get('access-control-allow-origin'), origin);
  t.match(preflight.headers.get('access-control-allow-headers'), /authorization.*idempotency-key/i);
  t.match(preflight.headers.get('access-control-allow-methods'), /PATCH/);
  const failed = await call('/api/v1/nothing', { headers: { origin } });
  t.equal(failed.headers.get('access-control-allow-origin'), origin, 'errors too');
  const foreign = await call('/api/v1/nothing', { headers: { origin: 'https://evil.example' } });
  t.equal(foreign.headers.get('access-control-allow-origin'), null);
  t.equal(foreign.headers.get('vary'), 'Origin');
});
