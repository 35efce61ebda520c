import t from 'tap';
import type { Platform } from '../platform/platform.ts';
import type { ServerFrame } from '../protocol/events.ts';
import { VirtualPlatform } from '../stage/virtual-platform.ts';
import { createConnection } from './connection.ts';
import { createTokens } from './tokens.ts';

const AUTH_OK = {
  ...{ type: 'auth_ok', user_id: 'ann', device_id: 'phone', session_id: 's', resumed: true },
  ...{ heartbeat_interval_ms: 15_000, server_time: '2026-11-21T10:00:00.000Z' },
};

const HOME = 'https://chat.example.com';

function counted(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `token-${count}`;
  };
}

type Given = { url?: string; getToken?: () => string };

function scene(given: Partial<Platform> = {}, { url = HOME, getToken = counted() }: Given = {}) {
  const virtual = new VirtualPlatform(given);
  const frames: ServerFrame[] = [];
  const sessions: unknown[] = [];
  const states: string[] = [];
  const { platform } = virtual;
  const connection = createConnection({
    ...{ url, platform, deviceId: 'phone', tokens: createTokens(getToken, platform.now) },
    onFrame: (frame) => frames.push(frame),
    accepts: ({ user_id: userId }) => userId === 'ann',
    onSession: (session) => sessions.push(session),
    onState: ({ at }) => states.push(at),
  });
  const open = async (): Promise<void> => {
    await virtual.pass(1_000);
    await virtual.socket.open();
    await virtual.socket.say(AUTH_OK);
  };
  return { virtual, connection, frames, sessions, states, open };
}

t.test(
  'the token goes with the upgrade, and the frames of the session are passed on',
  async (t) => {
    const { virtual, connection, frames, sessions, states, open } = scene();
    t.notOk(connection.send({ type: 'ping' }), 'nothing is sent before a session');
    connection.take({ is: 'connect' });
    await open();
    const { url, protocols, sent } = virtual.socket;
    t.equal(url, 'wss://chat.example.com/ws');
    t.same(protocols, ['kaha.v1', 'bearer.token-1', 'device.phone']);
    t.same(sent, []);
    t.match(sessions, [{ user_id: 'ann', resumed: true }]);
    t.same(states, ['token', 'opening', 'open']);
    await virtual.socket.say({ type: 'unread', conversation_id: 'c', unread: 3 });
    for (const bad of ['no JSON', 'null', '7', '{}']) await virtual.socket.say(bad);
    t.same(frames, [{ type: 'unread', conversation_id: 'c', unread: 3 }]);
    t.ok(connection.send({ type: 'typing' }));
    t.same(virtual.socket.sentOf('typing').length, 1);
  },
);

t.test('a text that can be no token is replaced by a fresh one', async (t) => {
  const given = ['<html>an error page</html>', 'good'];
  const { virtual, connection, states, open } = scene({}, { getToken: () => given.shift() ?? '' });
  connection.take({ is: 'connect' });
  await virtual.pass(0);
  t.match(connection.state(), { at: 'waiting', why: { reason: /no subprotocol/ } });
  await open();
  t.equal(virtual.socket.token, 'good');
  t.same(states, ['token', 'waiting', 'token', 'opening', 'open']);
});

t.test('a session of another user is left, and then the client is suspended', async (t) => {
  const { virtual, connection, sessions } = scene();
  connection.take({ is: 'connect' });
  for (const _attempt of [1, 2]) {
    await virtual.pass(1_000);
    await virtual.socket.open();
    await virtual.socket.say({ ...AUTH_OK, user_id: 'bob' });
    t.ok(virtual.socket.isClosed);
  }
  t.equal(virtual.socket.token, 'token-2', 'the second attempt has a fresh token');
  t.match(connection.state(), { at: 'suspended', why: { reason: 'the token of another user' } });
  t.same(sessions, []);
});

t.test('a link that dies silently is noticed within 25 s and replaced', async (t) => {
  const { virtual, connection, states, open } = scene();
  connection.take({ is: 'connect' });
  await open();
  await virtual.pass(25_000);
  t.same(virtual.sockets.length, 2);
  t.ok(virtual.sockets[0]?.isClosed);
  t.same(states.slice(-3), ['waiting', 'token', 'opening']);
  await virtual.sockets[0]?.say(AUTH_OK);
  t.equal(connection.state().at, 'opening', 'a socket that was left has nothing to say');
});

t.test('a quiet link lives by pings alone', async (t) => {
  const { virtual, connection, open } = scene();
  connection.take({ is: 'connect' });
  await open();
  for (let minute = 0; minute < 20; minute += 1) {
    await virtual.pass(12_100);
    await virtual.socket.say({ type: 'pong' });
  }
  t.equal(virtual.sockets.length, 1);
  t.ok(virtual.socket.sentOf('ping').length >= 20);
  t.equal(virtual.timers, 1, 'one timer serves the link');
});

t.test('the token is renewed on the live socket', async (t) => {
  const { virtual, connection, open } = scene();
  connection.take({ is: 'connect' });
  await open();
  await virtual.socket.say({ type: 'token_expiring', expires_at: '2026-11-21T10:01:00.000Z' });
  await virtual.pass(1_100);
  t.same(virtual.socket.sentOf('auth'), [{ type: 'auth', token: 'token-2' }]);
  await virtual.socket.say(AUTH_OK);
  t.equal(connection.state().at, 'open');
  await virtual.socket.end(4005);
  await open();
  t.equal(virtual.socket.token, 'token-3');
});

t.test('a refused upgrade is asked for Retry-After over HTTP', async (t) => {
  const asked: string[] = [];
  const answer = { status: 503, headers: { get: () => '7' }, text: async () => '' };
  const { virtual, connection } = scene({
    fetch: async (url) => {
      asked.push(url);
      return answer;
    },
  });
  connection.take({ is: 'connect' });
  await virtual.pass(0);
  await virtual.socket.end(1006);
  t.same(asked, ['https://chat.example.com/ws']);
  await virtual.pass(7_200);
  t.equal(virtual.sockets.length, 1);
  await virtual.pass(100);
  t.equal(virtual.sockets.length, 2);
});

t.test('a refused upgrade whose HTTP answer never comes, or fails, is tried again', async (t) => {
  for (const fetch of [() => new Promise<never>(() => undefined), async () => Promise.reject(0)]) {
    const { virtual, connection } = scene({ fetch });
    connection.take({ is: 'connect' });
    await virtual.pass(0);
    await virtual.socket.end(1006);
    await virtual.pass(3_300);
    t.equal(virtual.sockets.length, 2);
  }
});

t.test('an address that no socket can be opened to counts as no answer', async (t) => {
  class Refusing {
    constructor(url: string) {
      throw new SyntaxError(`bad ${url}`);
    }
    send(): void {}
    close(): void {}
  }
  const { connection, virtual, states } = scene({ WebSocket: Refusing }, { url: 'nowhere' });
  connection.take({ is: 'connect' });
  await virtual.pass(0);
  t.match(connection.state(), { at: 'waiting', why: { reason: /bad nowhere/ } });
  t.same(states, ['token', 'waiting']);
});

t.test('disconnect leaves neither a socket nor a timer', async (t) => {
  const { virtual, connection, open } = scene();
  connection.take({ is: 'connect' });
  await open();
  connection.take({ is: 'disconnect' });
  t.ok(virtual.socket.isClosed);
  t.equal(virtual.timers, 0);
  await virtual.socket.end(1000);
  await virtual.pass(60_000);
  t.equal(virtual.sockets.length, 1);
});
