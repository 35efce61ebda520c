import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { SERVICE_TOKEN, setStage, userIds } from '../stage/profiles-stage.ts';

type Options = { body?: unknown; headers?: Record<string, string>; method?: string; path?: string };

async function setScene(t: Test) {
  const stage = await setStage();
  t.teardown(() => stage.close());
  const { webhookPort } = await stage.start();
  const [user] = userIds(1) as [UserId];
  stage.contacts.set(user, [user]);
  const heard: unknown[] = [];
  stage.edge.subscribe(subjects.user(user), (msg) => void heard.push(msg));
  await stage.edge.nc.flush();
  const post = async ({ body, headers, method = 'POST', path = '/webhooks/kaha' }: Options) => {
    const response = await fetch(`http://127.0.0.1:${webhookPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${SERVICE_TOKEN}`, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const { error } = (await response.json()) as { error?: { code: string } };
    return { status: response.status, code: error?.code, headers: response.headers };
  };
  return { stage, user, heard, post, webhookPort };
}

t.test(
  'an event by webhook is carried out, and so is its repeat unless they share a key',
  async (t) => {
    const { user, heard, post } = await setScene(t);
    const body = { event: 'user.profile.updated', id: user, sent_by: 'unknown fields are ignored' };
    t.equal((await post({ body })).status, 202);
    await until('the first change is told', () => heard.length === 1);
    t.equal((await post({ body })).status, 202);
    await until('the second change is told', () => heard.length === 2);
    const headers = { 'idempotency-key': newId<string>() };
    const other = { ...headers, 'idempotency-key': newId<string>() };
    for (let times = 0; times < 3; times += 1) t.equal((await post({ body, headers })).status, 202);
    t.equal((await post({ body, headers: other })).status, 202);
    await until('four changes are told', () => heard.length >= 4);
    t.equal(heard.length, 4, 'an event with a key is carried out once');
  },
);

t.test('a caller without the token is refused before the body is read', async (t) => {
  const { user, post } = await setScene(t);
  const body = { event: 'user.profile.updated', id: user };
  for (const authorization of [
    '',
    'Bearer',
    `Bearer ${SERVICE_TOKEN}x`,
    SERVICE_TOKEN,
    'Basic x',
  ]) {
    const answer = await post({ body, headers: { authorization } });
    t.match(answer, { status: 401, code: 'UNAUTHENTICATED' });
  }
});

t.test('the scheme of the token may be written in upper or lower case', async (t) => {
  const { user, post } = await setScene(t);
  const body = { event: 'user.profile.updated', id: user };
  const headers = { authorization: `bearer ${SERVICE_TOKEN}` };
  t.equal((await post({ body, headers })).status, 202);
});

t.test('every refusal has its status and its code', async (t) => {
  const { user, post } = await setScene(t);
  const good = { event: 'user.profile.updated', id: user };
  const bad = ['', '{', 'null', '[]', { ...good, event: 'user.deleted' }, { id: user }, '"x"'];
  const more = [
    { ...good, id: 'x' },
    { ...good, id: 7 },
    { ...good, event: '__proto__' },
  ];
  for (const body of [...bad, ...more]) {
    t.match(await post({ body }), { status: 400, code: 'INVALID_REQUEST' }, JSON.stringify(body));
  }
  const large = JSON.stringify({ ...good, more: 'x'.repeat(64 * 1024) });
  t.match(await post({ body: large }), { status: 413, code: 'PAYLOAD_TOO_LARGE' });
  const full = JSON.stringify({ ...good, more: '' });
  const fits = JSON.stringify({ ...good, more: 'x'.repeat(64 * 1024 - full.length) });
  t.match(await post({ body: fits }), { status: 202 });
  t.match(await post({ body: good, path: '/metrics' }), { status: 404, code: 'NOT_FOUND' });
  t.match(await post({ method: 'GET' }), { status: 405, code: 'INVALID_REQUEST' });
});

t.test('a body without a stated length is refused beyond 64 KiB as well', async (t) => {
  const { webhookPort } = await setScene(t);
  const socket = connect(webhookPort, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => socket.destroy());
  socket.write(
    `POST /webhooks/kaha HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SERVICE_TOKEN}\r\n` +
      'transfer-encoding: chunked\r\n\r\n',
  );
  const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
  for (let sent = 0; sent < 3; sent += 1) socket.write(chunk);
  await closed;
  t.match(answer, /^HTTP\/1\.1 413 /);
});

t.test('while NATS is away, the caller is told to try again later', async (t) => {
  const { stage, user, post } = await setScene(t);
  await stage.stopNats();
  const body = { event: 'user.profile.updated', id: user };
  await until('the webhook refuses events', async () => (await post({ body })).status === 503);
  const answer = await post({ body });
  t.match(answer, { status: 503, code: 'MESSAGING_UNAVAILABLE' });
  t.ok(Number(answer.headers.get('retry-after')) >= 1);
  await stage.startNats();
  await until('the webhook takes events', async () => (await post({ body })).status === 202);
});
