import t from 'tap';
import { KahaError } from '../../../shared/errors.ts';
import { newId } from '../../../shared/ids.ts';
import type { HttpCall } from './http-call.ts';
import { requestOf } from './route-request.ts';
import { matchRoute, ROUTES } from './routes.ts';

type Said = { query?: string; body?: unknown; text?: string; idempotencyKey?: string };

/** Returns the request that a call asks for, or the problems of the call. */
function ask(method: string, path: string, said: Said = {}) {
  const { query = '', body, text, idempotencyKey = '' } = said;
  const match = matchRoute(ROUTES, method, `/api/v1${path}`);
  if (match.kind !== 'route') throw new Error(`${method} ${path}: ${match.kind}`);
  const call: HttpCall = {
    method,
    path,
    query,
    authorization: '',
    origin: '',
    idempotencyKey,
    traceparent: '',
    ifNoneMatch: '',
    acceptEncoding: '',
    contentEncoding: '',
    body: Buffer.from(text ?? (body === undefined ? '' : JSON.stringify(body))),
  };
  try {
    return requestOf(match.route, call, match.params);
  } catch (error) {
    const { code, details, message } = KahaError.from(error);
    if (code !== 'INVALID_REQUEST') return code;
    return (details as { problems: string[] } | undefined)?.problems ?? message;
  }
}

const conversation_id = newId();
const message_id = newId();
const conversation = `/conversations/${conversation_id}`;

t.test('one request is made of path, query, body and the fixed fields of the door', async (t) => {
  t.same(ask('GET', `${conversation}/messages`, { query: 'limit=3' }), {
    conversation_id,
    limit: 3,
  });
  const sent = { client_msg_id: newId(), content: 'x' };
  t.same(ask('POST', `${conversation}/messages`, { body: sent }), { conversation_id, ...sent });
  t.same(ask('PUT', `${conversation}/mute`), { conversation_id });
  const reaction = `/messages/${message_id}/reactions/${encodeURIComponent('👍')}`;
  t.same(ask('PUT', reaction), { message_id, emoji: '👍', remove: false });
  t.same(ask('DELETE', reaction), { message_id, emoji: '👍', remove: true });
  t.same(ask('PATCH', conversation, { body: { title: 'x' } }), {
    conversation_id,
    changes: { title: 'x' },
  });
  const user_ids = [newId(), newId()];
  t.same(ask('GET', '/presence', { query: `user_ids=${user_ids.join()}` }), { user_ids });
});

t.test('the header Idempotency-Key may give the client_msg_id of a message', async (t) => {
  const [idempotencyKey, other] = [newId<string>(), newId<string>()];
  const path = `${conversation}/messages`;
  const whole = { conversation_id, client_msg_id: idempotencyKey, content: 'x' };
  t.same(ask('POST', path, { body: { content: 'x' }, idempotencyKey }), whole);
  const body = { client_msg_id: other, content: 'x' };
  t.match(ask('POST', path, { body, idempotencyKey }), [/different keys/]);
  const quoted = `"${idempotencyKey}"`;
  t.same(ask('POST', path, { body: { content: 'x' }, idempotencyKey: quoted }), whole);
  t.match(ask('POST', path, { body, idempotencyKey: quoted }), [/different keys/]);
  for (const none of ['a', '"1389304195734095360"', idempotencyKey.toUpperCase(), `"${other}`]) {
    t.match(ask('POST', path, { body, idempotencyKey: none }), { client_msg_id: other }, none);
    const keyless = { body: { content: 'x' }, idempotencyKey: none };
    t.match(ask('POST', path, keyless), [/^Idempotency-Key/], none);
  }
  t.match(ask('POST', path, { body: { content: 'x' } }), [/client_msg_id/]);
});

t.test(
  'a field that the path or the door gives is unknown in the query and in the body',
  async (t) => {
    const named = `conversation_id=${conversation_id}`;
    const unknown = ['unknown field conversation_id'];
    t.same(ask('GET', `${conversation}/messages`, { query: named }), unknown);
    t.same(ask('DELETE', conversation, { query: named }), unknown);
    const body = { client_msg_id: newId(), content: 'x', conversation_id };
    t.same(ask('POST', `${conversation}/messages`, { body }), unknown);
    const reaction = `/messages/${message_id}/reactions/${encodeURIComponent('👍')}`;
    t.same(ask('PUT', reaction, { query: 'remove=true' }), ['unknown field remove']);
  },
);

t.test('a problem names the fields as the client wrote them', async (t) => {
  t.same(ask('POST', '/conversations', { body: { type: 'direct' } }), [
    'must have required properties participant_ids',
  ]);
  t.same(ask('POST', '/conversations', { body: { type: 'group', participant_ids: [] } }), [
    'participant_ids: must not have fewer than 1 items',
  ]);
  t.same(ask('PATCH', conversation, { body: {} }), ['must not have fewer than 1 properties']);
  t.match(ask('PATCH', conversation, { body: { title: 1 } }), [/^title: /]);
  t.match(ask('GET', '/conversations/42'), [/^conversation_id: /]);
  t.match(ask('GET', `${conversation}/messages`, { query: 'before_seq=1&after_seq=1' }), [
    /only one/,
  ]);
});

t.test('a body that is no object is refused', async (t) => {
  for (const body of [null, [], 'x', 1]) {
    t.type(ask('POST', `${conversation}/messages`, { body }), Array, JSON.stringify(body));
    t.type(ask('POST', '/conversations', { body }), Array, JSON.stringify(body));
  }
});

t.test('a body with a number that a double cannot keep is refused', async (t) => {
  const path = `${conversation}/messages`;
  const text = (metadata: string): string =>
    `{"client_msg_id":"${newId()}","content":"x","metadata":${metadata}}`;
  for (const bad of ['9007199254740993', '-9007199254740992', '1e400', '1e17']) {
    t.same(ask('POST', path, { text: text(`{"a":{"b":[${bad}]}}`) }), [
      'a number is beyond ±(2^53-1)',
    ]);
  }
  const kept = { metadata: { a: [9007199254740991, 0.1] } };
  t.match(ask('POST', path, { text: text('{"a":[9007199254740991,0.1]}') }), kept);
});

t.test('a body that begins with a byte order mark is no JSON', async (t) => {
  const marked = { text: '\ufeff{"title":"x"}' };
  t.equal(ask('PATCH', conversation, marked), 'The body is not JSON');
  t.same(ask('PATCH', conversation, { text: '{"title":"\ufeffx"}' }), {
    conversation_id,
    changes: { title: '\ufeffx' },
  });
});
