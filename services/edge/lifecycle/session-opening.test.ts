import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Client } from '../stage/client.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { askUpgrade } from '../stage/upgrade.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
t.teardown(() => stage.close());

const AUTH_OK = {
  session_id: String,
  resumed: false,
  heartbeat_interval_ms: 15_000,
  server_time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
};

t.test('a token in the Authorization header opens a session', async (t) => {
  const userId = newId<UserId>();
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone-1' };
  const client = await stage.connect(edge, { headers });
  const ok = await client.next('auth_ok');
  t.match(ok, { ...AUTH_OK, user_id: userId, device_id: 'phone-1' });
  t.equal(ok.id, undefined);
  t.match(await client.next('replay_end'), { complete: false });
  await client.close();
});

t.test('a token among the subprotocols opens a session, and only kaha.v1 is echoed', async (t) => {
  const userId = newId<UserId>();
  const protocols = ['kaha.v1', `bearer.${await tokenOf(userId)}`, 'device.Web-2'];
  const client = await stage.connect(edge, { protocols, path: '/api/chat/ws' });
  t.equal(client.protocol, 'kaha.v1');
  t.match(await client.next('auth_ok'), { ...AUTH_OK, user_id: userId, device_id: 'Web-2' });
  await client.close();
});

t.test('a first frame auth opens a session, whose device is default unless named', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.connect(edge, { protocols: ['kaha.v1'] });
  client.send({ type: 'auth', id: 'a', token: await tokenOf(userId) });
  t.match(await client.next('auth_ok'), { ...AUTH_OK, id: 'a', device_id: 'default' });
  await client.close();
});

t.test('the second session of a device is resumed, and the edge asks no store', async (t) => {
  const userId = newId<UserId>();
  await (await stage.open(edge, userId)).close();
  const again = await stage.open(edge, userId);
  const pong = await again.ask({ type: 'ping' });
  t.equal(pong.type, 'pong');
  t.same(again.frames, [], 'no replay_end');
  await again.close();
});

t.test('an upgrade with a bad Origin, subprotocol, device or token is refused', async (t) => {
  const bearer = { authorization: `Bearer ${await tokenOf(newId())}` };
  const cases: [number, string, Record<string, string>][] = [
    [101, 'no token yet', {}],
    [101, 'a good token', bearer],
    [101, 'kaha.v1 among others', { 'sec-websocket-protocol': 'chat, kaha.v1' }],
    [101, 'an allowed Origin', { ...bearer, origin: 'http://localhost:3000' }],
    [403, 'another Origin', { ...bearer, origin: 'https://evil.example' }],
    [403, 'an Origin that begins alike', { ...bearer, origin: 'http://localhost.evil.example' }],
    [403, 'Origin null', { ...bearer, origin: 'null' }],
    [400, 'unknown subprotocols only', { 'sec-websocket-protocol': 'chat, kaha.v2' }],
    [400, 'an empty device', { ...bearer, 'x-device-id': '' }],
    [400, 'a malformed device', { ...bearer, 'x-device-id': 'a_b' }],
    [400, 'a device of 65 characters', { ...bearer, 'x-device-id': 'a'.repeat(65) }],
    [400, 'a malformed device.', { 'sec-websocket-protocol': 'kaha.v1, device.a.b' }],
    [400, 'an empty device.', { 'sec-websocket-protocol': 'kaha.v1, device.' }],
    [401, 'not a JWT', { authorization: 'Bearer abc' }],
    [401, 'another scheme', { authorization: 'Basic abc' }],
    [401, 'no exp', { authorization: `Bearer ${await tokenOf(newId(), { exp: undefined })}` }],
    [401, 'expired', { authorization: `Bearer ${await tokenOf(newId(), { exp: 1_700_000_000 })}` }],
    [401, 'not yet', { authorization: `Bearer ${await tokenOf(newId(), { nbf: 9_999_999_999 })}` }],
    [401, 'sub is no UUID', { authorization: `Bearer ${await tokenOf('me')}` }],
    [401, 'sub in upper case', { authorization: `Bearer ${await tokenOf(newId().toUpperCase())}` }],
  ];
  for (const [status, name, headers] of cases) {
    const result = await askUpgrade(edge.port, headers);
    t.equal(result.status, status, name);
    if (status === 401) t.match(JSON.parse(result.body), { error: { code: 'UNAUTHENTICATED' } });
  }
});

t.test('a socket with a bad token in its subprotocols is opened and closed 4500', async (t) => {
  const client = await stage.connect(edge, { protocols: ['kaha.v1', 'bearer.abc.def.ghi'] });
  t.equal(client.protocol, 'kaha.v1');
  t.equal(await client.closed, 4500);
});

t.test('a bad token in the first frame closes the socket with 4500', async (t) => {
  const client = await stage.connect(edge);
  client.send({ type: 'auth', token: 'abc' });
  t.equal(await client.closed, 4500);
});

t.test('a socket without auth within 5 s is closed with 4502', async (t) => {
  const startedAt = Date.now();
  const client = await stage.connect(edge);
  client.send({ type: 'ping' });
  t.equal(await client.closed, 4502);
  const tookMs = Date.now() - startedAt;
  t.ok(tookMs >= 5_000 && tookMs < 6_500, `${tookMs} ms`);
});

t.test('a frame before authentication is answered UNAUTHENTICATED', async (t) => {
  const client = await stage.connect(edge);
  for (const type of ['ping', 'message', 'history', 'unheard of']) {
    const answer = await client.ask({ type });
    t.match(answer, { type: 'error', error: { code: 'UNAUTHENTICATED' } }, type);
  }
  const userId = newId<UserId>();
  client.send({ type: 'auth', id: 9, token: await tokenOf(userId), device_id: 'no such device' });
  const refused = await client.next('error');
  t.match(refused, { id: 9, error: { code: 'INVALID_REQUEST' } });
  t.match(await client.ask({ type: 'ping' }), { error: { code: 'UNAUTHENTICATED' } });
  client.send({ type: 'auth', token: await tokenOf(userId), device_id: 'phone' });
  t.match(await client.next('auth_ok'), { user_id: userId, device_id: 'phone' });
  await client.close();
});

t.test('auth on a live socket renews the token', async (t) => {
  const userId = newId<UserId>();
  const client = await stage.open(edge, userId);
  const token = await tokenOf(userId);
  t.match(await client.ask({ type: 'auth', token }), { type: 'auth_ok', device_id: 'phone' });
  t.match(await client.ask({ type: 'auth', token, device_id: 'other' }), {
    type: 'error',
    error: { code: 'INVALID_REQUEST' },
  });
  client.send({ type: 'auth', token: await tokenOf(newId()) });
  t.equal(await client.closed, 4500, 'another user');
});

t.test('the end of a token is told at once if near, and closes the socket with 4005', async (t) => {
  const exp = Math.floor(Date.now() / 1000) + 3;
  const userId = newId<UserId>();
  const headers = { authorization: `Bearer ${await tokenOf(userId, { exp })}` };
  const client = await stage.connect(edge, { headers });
  await client.next('auth_ok');
  const told = await client.next('token_expiring');
  t.equal(told.expires_at, new Date(exp * 1000).toISOString());
  t.equal(await client.closed, 4005);
  t.ok(Date.now() >= exp * 1000);
});

t.test('a socket whose token is renewed in time stays open', async (t) => {
  const userId = newId<UserId>();
  const exp = Math.floor(Date.now() / 1000) + 3;
  const headers = { authorization: `Bearer ${await tokenOf(userId, { exp })}` };
  const client = await stage.connect(edge, { headers });
  const others = { authorization: `Bearer ${await tokenOf(newId<UserId>(), { exp })}` };
  const other = await stage.connect(edge, { headers: others });
  await client.next('token_expiring');
  t.match(await client.ask({ type: 'auth', token: await tokenOf(userId) }), { type: 'auth_ok' });
  t.equal(await other.closed, 4005, 'the time of both tokens is over');
  t.equal((await client.ask({ type: 'ping' })).type, 'pong');
  await client.close();
});

t.test('too many devices close a socket with 4504, and a failed router with 4001', async (t) => {
  const { script } = router;
  const ordinary = script['session.open'];
  t.teardown(() => {
    script['session.open'] = ordinary as never;
  });
  const headers = { authorization: `Bearer ${await tokenOf(newId())}` };
  script['session.open'] = () => ({ too_many_devices: true });
  t.equal(await (await stage.connect(edge, { headers })).closed, 4504);
  script['session.open'] = () => {
    throw new Error('broken');
  };
  t.equal(await (await stage.connect(edge, { headers })).closed, 4001);
});

t.test('an opening says when it began, also after others that wait', async (t) => {
  const { requests } = router;
  const epochsOf = (userId: UserId): unknown[] =>
    requests.flatMap((one) =>
      one.op === 'session.open' && one.user_id === userId ? (one.epoch ?? []) : [],
    );
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const phone = await stage.open(edge, ann);
  const other = await stage.open(edge, bob);
  await phone.ask({ type: 'auth', token: await tokenOf(ann), resync: true });
  const [first, last] = epochsOf(ann) as [number, number];
  const [between] = epochsOf(bob) as [number];
  t.ok(first < between && between < last);
  await Promise.all([phone.close(), other.close()]);
});

t.test(
  'the socket of an opening that is older than the session there is closed 4505',
  async (t) => {
    const { script } = router;
    const ordinary = script['session.open'];
    t.teardown(() => {
      script['session.open'] = ordinary as never;
    });
    script['session.open'] = () => ({ is_older: true });
    const headers = { authorization: `Bearer ${await tokenOf(newId())}` };
    t.equal(await (await stage.connect(edge, { headers })).closed, 4505);
  },
);

t.test('a router tells edges how far epochs are, and they go on from there', async (t) => {
  const userId = newId<UserId>();
  const ahead = (Date.now() + 86_400_000) * 1_024;
  const asked: unknown[] = [];
  router.bus.subscribe(subjects.routerWho, ({ data }) => {
    asked.push(JSON.parse(Buffer.from(data).toString()));
  });
  await router.bus.nc.flush();
  const second = await stage.startEdge('edge-2');
  await until('the edge asks for routers, and tells its epoch', () => asked.length > 0);
  t.match(asked, [{ epoch: Number }]);
  const alive = JSON.stringify({ instance: 'router-1', epoch: ahead });
  router.bus.publish(subjects.routerAlive, alive);
  await router.bus.nc.flush();
  const client = await stage.open(second, userId);
  const opening = router.requests.find(
    (one) => one.op === 'session.open' && one.user_id === userId,
  );
  t.ok(opening?.op === 'session.open' && (opening.epoch ?? 0) >= ahead);
  await client.close();
});

t.test('a client that leaves while its session opens leaves nothing behind', async (t) => {
  const { script } = router;
  const ordinary = script['session.open'] as NonNullable<(typeof script)['session.open']>;
  let open = (): void => undefined;
  let isDone = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    isDone = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    script['session.open'] = async (request) => {
      resolve();
      await new Promise<void>((go) => {
        open = go;
      });
      const opened = await ordinary(request);
      isDone();
      return opened;
    };
  });
  const userId = newId<UserId>();
  const headers = { authorization: `Bearer ${await tokenOf(userId)}` };
  const client = await stage.connect(edge, { headers });
  await asked;
  await client.close();
  open();
  await done;
  script['session.open'] = ordinary;
  t.equal((await stage.queue(userId, 'default')).isHeld, false);
  const again = await stage.connect(edge, { headers });
  t.match(await again.next('auth_ok'), { resumed: true });
  await again.close();
});

t.test(
  'a session that waits to be opened leaves with its socket, and nobody is asked',
  async (t) => {
    const { script } = router;
    const ordinary = script['session.open'] as NonNullable<(typeof script)['session.open']>;
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const asked: UserId[] = [];
    script['session.open'] = async (request) => {
      asked.push(request.user_id);
      await answered;
      return ordinary(request);
    };
    const connect = async (userId: UserId): Promise<Client> => {
      const headers = { authorization: `Bearer ${await tokenOf(userId)}` };
      return stage.connect(edge, { headers });
    };
    const waiting = async (): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${edge.adminPort}/metrics`);
      return Number(/^kaha_edge_openings_waiting\{.*\} (\d+)$/m.exec(await response.text())?.[1]);
    };
    const before = await Promise.all(Array.from({ length: 256 }, () => connect(newId<UserId>())));
    await until('256 are being opened', () => asked.length === 256);
    const [gone, stays] = [newId<UserId>(), newId<UserId>()];
    const leaver = await connect(gone);
    const stayer = await connect(stays);
    await until('two wait', async () => (await waiting()) === 2);
    await leaver.close();
    await until('one waits', async () => (await waiting()) === 1);
    answer();
    await stayer.next('auth_ok');
    t.notOk(asked.includes(gone), 'its device may have a newer session elsewhere');
    t.equal(asked.at(-1), stays);
    script['session.open'] = ordinary;
    await Promise.all([...before, stayer].map((client) => client.close()));
  },
);

t.test('a device that was signed out is refused 4500, and on a live socket 4503', async (t) => {
  const { script } = router;
  const ordinary = script['session.open'] as NonNullable<(typeof script)['session.open']>;
  const userId = newId<UserId>();
  const iat = Math.floor(Date.now() / 1_000) - 60;
  const live = await stage.open(edge, userId, 'live');
  script['session.open'] = () => {
    throw new KahaError('UNAUTHENTICATED', 'signed out');
  };
  const token = await tokenOf(userId, { iat });
  const headers = { authorization: `Bearer ${token}` };
  t.equal(await (await stage.connect(edge, { headers })).closed, 4500);
  t.match(router.last('session.open'), { issued_at: iat * 1_000 });
  const byFrame = await stage.connect(edge);
  byFrame.send({ type: 'auth', token: await tokenOf(userId), device_id: 'phone' });
  t.equal(await byFrame.closed, 4500);
  t.match(router.last('session.open'), { issued_at: 0 }, 'the token does not say');
  const signal = JSON.stringify({ kind: 'resync', device_id: 'live' });
  router.bus.publish(subjects.user(userId), signal);
  t.equal(await live.closed, 4503, 'it has lost its queue, and gets no other');
  script['session.open'] = ordinary;
});

t.test('a sign-out closes the sessions of the device that are older than it', async (t) => {
  const { script } = router;
  const ordinary = script['session.open'] as NonNullable<(typeof script)['session.open']>;
  const userId = newId<UserId>();
  const tell = (epoch: number, device_id: string): void => {
    const signal = JSON.stringify({ kind: 'signed_out', device_id, epoch });
    router.bus.publish(subjects.user(userId), signal);
  };
  const [phone, tablet] = [
    await stage.open(edge, userId, 'phone'),
    await stage.open(edge, userId, 'tablet'),
  ];
  tell(1, 'phone');
  t.equal((await phone.ask({ type: 'ping' })).type, 'pong', 'it is newer');
  tell(1e15, 'phone');
  t.equal(await phone.closed, 4503);
  t.equal((await tablet.ask({ type: 'ping' })).type, 'pong');
  const epochs = [2e15, 4e15];
  for (const epoch of epochs) {
    script['session.open'] = async (request) => {
      tell(3e15, 'phone');
      await router.bus.nc.flush();
      await tablet.ask({ type: 'ping' });
      return { ...(await stage.openQueue(request)), epoch };
    };
    const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
    const client = await stage.connect(edge, { headers });
    if (epoch === 2e15) t.equal(await client.closed, 4503, 'it was being opened then');
    else t.match(await client.next('auth_ok'), { device_id: 'phone' });
  }
  script['session.open'] = ordinary;
});
