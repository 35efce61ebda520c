import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { type Person, shareStack } from './stage/stack.ts';
import { upgrade } from './stage/websocket.ts';

const system = await shareStack(t);
const CODES = { tokenExpired: 4005, badToken: 4500, noAuth: 4502 };
const S = 1_000;

const bearer = ({ token }: Person) => ({ authorization: `Bearer ${token}` });
const offer = (...names: string[]) => ({ 'sec-websocket-protocol': names.join(', ') });
const ask = (headers: Record<string, string>, path = '/ws') =>
  upgrade(system.edgePort(), { headers, path });

/** Returns the token with one thing changed, so that its signature no longer fits. */
function forged({ token }: Person, claims: Record<string, unknown>, header = {}): string {
  const [head = '', body = '', signature = ''] = token.split('.');
  const change = (part: string, changes: object): string => {
    const values = JSON.parse(Buffer.from(part, 'base64url').toString());
    return Buffer.from(JSON.stringify({ ...values, ...changes })).toString('base64url');
  };
  return [change(head, header), change(body, claims), signature].join('.');
}

// The test begins this session here and awaits its end at the bottom of the file, because that
// takes several seconds.
const ann = await system.person();
const mute = system.socket();
const muteClosed = mute.then(async (client) => {
  const startedAt = Date.now();
  return { ...(await client.closed), tookMs: Date.now() - startedAt };
});

t.test('each of the three ways to authenticate opens a session of its device', async (t) => {
  const ways = [
    await system.socket({ ...bearer(ann), 'x-device-id': 'A-1' }),
    await system.socket(offer('kaha.v1', `bearer.${ann.token}`, 'device.A-2')),
    await system.socket(offer('kaha.v1')),
  ];
  ways[2]?.send({ type: 'auth', token: ann.token, device_id: 'A-3', id: 1 });
  for (const [index, client] of ways.entries()) {
    const ok = await client.next('auth_ok');
    t.match(ok, { user_id: ann.id, device_id: `A-${index + 1}`, resumed: false });
    t.match(ok, {
      heartbeat_interval_ms: 15_000,
      server_time: /Z$/,
      session_id: /^[0-9a-f-]{36}$/,
    });
    await client.next('replay_end');
    t.match(await client.ask({ type: 'conversations' }), { data: { conversations: [] } });
  }
});

t.test('the alias of the path and a socket without a device id are served', async (t) => {
  const { status, headers } = await ask({ ...bearer(ann), ...offer('kaha.v1') }, '/api/chat/ws');
  t.equal(status, 101);
  t.equal(headers['sec-websocket-protocol'], 'kaha.v1');
  const client = await system.socket(bearer(ann));
  t.match(await client.next('auth_ok'), { device_id: 'default' });
});

t.test('a token that is not valid is refused with 401 before the upgrade', async (t) => {
  const cases: [string, string][] = [
    ['no JWT', 'abc'],
    ['another subject', forged(ann, { sub: newId() })],
    ['another end', forged(ann, { exp: 4_000_000_000 })],
    ['no algorithm', forged(ann, {}, { alg: 'none' }).replace(/\.[^.]*$/, '.')],
    ['a secret algorithm with the public key', forged(ann, {}, { alg: 'HS256' })],
    ['no signature', ann.token.replace(/\.[^.]*$/, '')],
    ['a subject that is no UUID', await system.stack.token('somebody')],
  ];
  for (const [name, token] of cases) {
    const { status, body } = await ask({ authorization: `Bearer ${token}` });
    t.equal(status, 401, name);
    t.match(JSON.parse(body), { error: { code: 'UNAUTHENTICATED' } });
    const rest = await system.rest('GET', '/api/v1/conversations', { token });
    t.equal(rest.status, 401, `${name}, by REST`);
  }
});

t.test('a token of an unknown key is refused, for the moment or for good', async (t) => {
  const token = forged(ann, {}, { kid: 'mine' });
  const { status, headers } = await ask({ authorization: `Bearer ${token}` });
  t.ok(status === 401 || (status === 503 && headers['retry-after'] !== undefined), `${status}`);
});

t.test('a token is never read from the query string', async (t) => {
  const { token } = ann;
  const path = `/ws?token=${token}&access_token=${token}`;
  const { status, socket } = await ask({}, path);
  t.equal(status, 101, 'the socket opens as one that has yet to authenticate');
  socket.destroy();
  const rest = await system.rest('GET', `/api/v1/conversations?token=${token}`);
  t.equal(rest.status, 401);
});

t.test('an upgrade with a forbidden origin, protocol or device id is refused', async (t) => {
  const cases: [number, Record<string, string>][] = [
    [403, { ...bearer(ann), origin: 'https://evil.example' }],
    [403, { ...bearer(ann), origin: 'null' }],
    [101, { ...bearer(ann), origin: 'http://localhost:5173' }],
    [400, { ...bearer(ann), ...offer('kaha.v2') }],
    [400, { ...bearer(ann), 'x-device-id': 'a.b' }],
    [400, { ...bearer(ann), 'x-device-id': '>' }],
    [400, { ...bearer(ann), 'x-device-id': 'x'.repeat(65) }],
    [400, { ...bearer(ann), ...offer('kaha.v1', 'device.*') }],
  ];
  for (const [expected, headers] of cases) {
    const { status, socket } = await ask(headers);
    t.equal(status, expected, JSON.stringify(headers).slice(-60));
    socket.destroy();
  }
});

t.test('a socket whose browser sends a bad token is closed 4500', async (t) => {
  const inOffer = await system.socket(offer('kaha.v1', `bearer.${forged(ann, { sub: newId() })}`));
  t.match(await inOffer.closed, { code: CODES.badToken });
  const inFrame = await system.socket();
  inFrame.send({ type: 'auth', token: forged(ann, { exp: 4_000_000_000 }) });
  t.match(await inFrame.closed, { code: CODES.badToken });
});

t.test('before authentication every other frame is refused and not carried out', async (t) => {
  const bob = await system.person();
  const conversation = await system.conversation([ann, bob]);
  const client = await system.socket();
  for (const type of ['ping', 'ack', 'message', 'history', 'conversations', 'nonsense']) {
    const answer = await client.ask({ type, conversation_id: conversation, content: 'x' });
    t.match(answer, { type: 'error', error: { code: 'UNAUTHENTICATED' } }, type);
  }
  client.send({ type: 'auth', token: ann.token, device_id: 'not a device' });
  t.match(await client.next('error'), { error: { code: 'INVALID_REQUEST' } });
  t.match(await client.ask({ type: 'ping' }), { error: { code: 'UNAUTHENTICATED' } });
  client.send({ type: 'auth', token: ann.token });
  await client.next('auth_ok');
  t.same(await system.history(ann, conversation), []);
});

t.test('the end of a token is announced, and then the socket is closed 4005', async (t) => {
  const brief = await system.person(3);
  const startedAt = Date.now();
  const client = await system.connect(brief);
  const told = await client.next('token_expiring');
  t.ok(Math.abs(Date.parse(String(told.expires_at)) - startedAt - 3 * S) < 1.5 * S);
  t.match(await client.closed, { code: CODES.tokenExpired });
  const tookMs = Date.now() - startedAt;
  t.ok(tookMs >= 1 * S && tookMs < 8.5 * S, `${tookMs} ms`);
  t.equal((await ask(bearer(brief))).status, 401, 'the expired token opens no socket');
  const rest = await system.rest('GET', '/api/v1/conversations', { token: brief.token });
  t.equal(rest.status, 401);
});

t.test('a token that is renewed in time keeps the socket and its session', async (t) => {
  const brief = await system.person(3);
  const client = await system.connectNew(brief);
  const session_id = client.received[0]?.session_id;
  const renewed = await system.stack.token(brief.id);
  client.send({ type: 'auth', token: renewed, id: 'renew' });
  t.match(await client.next('auth_ok'), { id: 'renew', session_id, device_id: 'phone' });
  const bob = await system.person();
  const conversation = await system.conversation([bob, { ...brief, token: renewed }]);
  await until('the old token has ended', async () => {
    const { token } = brief;
    return (await system.rest('GET', '/api/v1/conversations', { token })).status === 401;
  });
  t.match(await client.post(conversation, 'still here'), { data: { seq: 1 } });
});

t.test('a socket cannot become another user or another device', async (t) => {
  const [bob, eve] = await system.people(2);
  const client = await system.connectNew(bob);
  client.send({ type: 'auth', token: bob.token, device_id: 'tablet' });
  t.match(await client.next('error'), { error: { code: 'INVALID_REQUEST' } });
  await client.settled();
  client.send({ type: 'auth', token: eve.token });
  t.match(await client.closed, { code: CODES.badToken });
  const other = await system.connectNew(bob, { device: 'tablet' });
  other.send({ type: 'auth', token: forged(bob, { exp: 4_000_000_000 }) });
  t.match(await other.closed, { code: CODES.badToken });
});

t.test('a socket that does not authenticate within 5 s is closed 4502', async (t) => {
  const { code, tookMs } = await muteClosed;
  t.equal(code, CODES.noAuth);
  t.ok(tookMs >= 4.5 * S && tookMs < 8 * S, `${tookMs} ms`);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
