import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import t, { type Test } from 'tap';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import { startNats } from '../testing/test-servers.ts';
import { until } from '../testing/until.ts';
import { type KahaOptions, startKahaStandIn } from './kaha.ts';
import { TOKEN_TERMS } from './token-mint.ts';

const ASHA = '11111111-0000-4000-8000-000000000001';
const NOBODY = '99999999-0000-4000-8000-000000000001';
const SERVICE_TOKEN = 'known to both';

async function setStandIn(t: Test, options: Partial<KahaOptions> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'kaha-stand-in-'));
  const own = { port: 0, serviceToken: SERVICE_TOKEN, keyFile: join(dir, 'key'), nats: undefined };
  const standIn = await startKahaStandIn({ ...own, ...options });
  t.teardown(async () => {
    await standIn.close();
    rmSync(dir, { recursive: true });
  });
  const url = `http://127.0.0.1:${standIn.port}`;
  return {
    ...{ url, standIn, dir },
    async post(path: string, body: unknown, token = SERVICE_TOKEN) {
      const headers = { authorization: `Bearer ${token}` };
      const options = { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, options);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
  };
}

t.test('a batch holds the known profiles and nothing of unknown ones', async (t) => {
  const { post } = await setStandIn(t);
  const ids = { user_ids: [ASHA, NOBODY], business_ids: [NOBODY] };
  const { body } = await post('/api/batch/profiles', ids);
  t.match(body, { users: [{ id: ASHA, name: 'Asha' }], businesses: [] });
  t.equal((body.users as unknown[]).length, 1);
});

t.test('a batch without the service token, or of more than 100 ids, is refused', async (t) => {
  const { post } = await setStandIn(t);
  t.equal((await post('/api/batch/profiles', { user_ids: [ASHA] }, 'another')).status, 401);
  const ids = Array.from({ length: 101 }, () => ASHA);
  t.equal((await post('/api/batch/profiles', { user_ids: ids })).status, 400);
});

t.test('people can be added while the stand-in runs', async (t) => {
  const { post } = await setStandIn(t);
  await post('/_dev/users', { users: [{ id: NOBODY, name: 'Indra', user_type: 'customer' }] });
  const { body } = await post('/api/batch/profiles', { user_ids: [NOBODY] });
  t.match(body, { users: [{ name: 'Indra' }] });
});

t.test('the stand-in is slow, wrong or down as told, and then well again', async (t) => {
  const { post } = await setStandIn(t);
  const ask = () => post('/api/batch/profiles', { user_ids: [ASHA] });
  await post('/_control', { mode: 'error' });
  t.equal((await ask()).status, 500);
  await post('/_control', { mode: 'malformed' });
  await t.rejects(ask(), SyntaxError);
  await post('/_control', { mode: 'down' });
  await t.rejects(ask(), TypeError);
  await post('/_control', { mode: 'slow', delay_ms: 100 });
  const startedAt = performance.now();
  t.equal((await ask()).status, 200);
  t.ok(performance.now() - startedAt >= 99);
  t.equal((await post('/_control', { mode: 'broken' })).status, 400, 'an unknown mode');
  await post('/_control', { mode: 'ok' });
  t.equal((await ask()).status, 200);
});

t.test('each fault can be switched on for some calls and then ends by itself', async (t) => {
  const { post } = await setStandIn(t);
  const ask = () => post('/api/batch/profiles', { user_ids: [ASHA] });
  const statuses = { error: 500, unavailable: 503, limited: 429, refused: 401, nonsense: 200 };
  for (const [mode, status] of Object.entries(statuses)) {
    await post('/_control', { mode, calls: 1 });
    t.equal((await ask()).status, status, mode);
    t.match((await ask()).body, { users: [{ name: 'Asha' }] }, `ok after ${mode}`);
  }
  for (const mode of ['down', 'reset', 'malformed']) {
    await post('/_control', { mode, calls: 1 });
    await t.rejects(ask(), mode);
  }
  await post('/_control', { mode: 'drip', delay_ms: 0, calls: 1 });
  t.match((await ask()).body, { users: [{ name: 'Asha' }] });
  const usersIn = async (mode: string) => {
    await post('/_control', { mode, calls: 1 });
    return (await ask()).body.users as ({ id: string } | null)[];
  };
  t.not((await usersIn('wrong_ids'))[0]?.id, ASHA);
  t.equal((await usersIn('repeated')).length, 2);
  t.equal((await usersIn('hostile'))[0], null);
  await post('/_control', { mode: 'huge', calls: 1 });
  t.ok(JSON.stringify((await ask()).body).length > 8_000_000);
  t.equal((await post('/_control', { mode: 'ok', calls: 0 })).status, 400);
});

t.test('the stand-in counts what it was asked', async (t) => {
  const { post, url } = await setStandIn(t);
  const read = async () => (await fetch(`${url}/_control`)).json();
  await post('/api/batch/profiles', { user_ids: [ASHA, NOBODY], business_ids: [NOBODY] });
  await post('/api/batch/profiles', { user_ids: [ASHA] }, 'another');
  const some = { batch_calls: 1, ids: 3, ids_max: 3, in_flight_max: 1 };
  t.match(await read(), { ...some, asked_most: 2, refused: 1 });
  await post('/_control', { mode: 'slow', delay_ms: 300, reset: true });
  const ask = () => post('/api/batch/profiles', { user_ids: [ASHA] });
  await Promise.all([ask(), ask()]);
  const both = { batch_calls: 2, ids: 2, in_flight_max: 2 };
  t.match(await read(), { ...both, asked_most: 2, overlaps: 1 });
});

t.test('tokens of the stand-in verify with its key set, also after a restart', async (t) => {
  const { post, url, dir } = await setStandIn(t);
  const { body } = await post('/_dev/token', { user_id: ASHA, ttl_s: 60 });
  const again = await setStandIn(t, { keyFile: join(dir, 'key') });
  for (const base of [url, again.url]) {
    const keys = createRemoteJWKSet(new URL(`${base}/.well-known/jwks.json`));
    const { issuer, audience, algorithm } = TOKEN_TERMS;
    const terms = { issuer, audience, algorithms: [algorithm] };
    const { payload } = await jwtVerify(String(body.token), keys, terms);
    t.equal(payload.sub, ASHA);
    t.equal((payload.exp as number) - (payload.iat as number), 60);
  }
});

t.test('tokens come in batches and in the order asked, and never without a user', async (t) => {
  const { post } = await setStandIn(t);
  const { body } = await post('/_dev/token', { user_ids: [ASHA, NOBODY] });
  const subjects = (body.tokens as string[]).map((token) => {
    return JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()).sub;
  });
  t.same(subjects, [ASHA, NOBODY]);
  t.equal((await post('/_dev/token', {})).status, 400);
});

t.test('the stand-in publishes that a profile changed', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const { post, standIn } = await setStandIn(t, {
    nats: { url: nats.url, nkeySeed: nats.seeds.kaha as string },
  });
  await standIn.connected;
  // Only JetStream may subscribe to these subjects, and its stream is what profiles reads.
  const setup = { url: nats.url, nkeySeed: nats.seeds.setup as string };
  const nc = await connectNats({ ...setup, natsUser: 'setup', instance: 'setup' });
  t.teardown(() => nc.close());
  const streams = await nc.jetstreamManager();
  await streams.streams.add({ name: 'KAHA_EVENTS', subjects: ['kaha.>'] });
  t.equal((await post('/_dev/profile-updated', { user_id: ASHA })).status, 202);
  t.equal((await post('/_dev/profile-updated', {})).status, 400);
  await until(
    'the event is stored',
    async () => (await streams.streams.info('KAHA_EVENTS')).state.messages > 0,
  );
  const message = await streams.streams.getMessage('KAHA_EVENTS', { seq: 1 });
  t.equal(message.subject, 'kaha.user.profile.updated');
  t.same(message.json(), { id: ASHA });
});

t.test('the page is told of the named people, for whom they work, and of businesses', async (t) => {
  const { url, post } = await setStandIn(t);
  await post('/_dev/users', { users: [{ id: NOBODY, name: 'Indra', user_type: 'customer' }] });
  const body = (await (await fetch(`${url}/_dev/people`)).json()) as {
    people: { user_id: string; name: string; works_for: { name: string; role: string }[] }[];
    businesses: { name: string }[];
  };
  t.ok(body.people.length >= 8);
  t.same(body.people[0], { user_id: ASHA, name: 'Asha', works_for: [] });
  t.same(body.people.at(-1), { user_id: NOBODY, name: 'Indra', works_for: [] });
  const roles = body.people.flatMap(({ works_for }) => works_for.map(({ role }) => role));
  t.same([...new Set(roles)], ['manager', 'agent']);
  t.same(
    body.businesses.map(({ name }) => name),
    ['Himal Books', 'Kaha Cafe'],
  );
});

t.test('a page of this machine may read tokens and people, and no other page', async (t) => {
  const { url } = await setStandIn(t);
  const allowed = async (path: string, origin: string): Promise<string | null> => {
    const body = path === '/_dev/token' ? JSON.stringify({ user_id: ASHA }) : undefined;
    const init = { method: body ? 'POST' : 'GET', headers: { origin }, ...(body && { body }) };
    return (await fetch(`${url}${path}`, init)).headers.get('access-control-allow-origin');
  };
  for (const origin of ['http://localhost:8080', 'http://127.0.0.1:1', 'http://localhost']) {
    t.equal(await allowed('/_dev/people', origin), origin);
    t.equal(await allowed('/_dev/token', origin), origin);
  }
  for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
    t.equal(await allowed('/_dev/token', origin), null, origin);
  }
  t.equal(await allowed('/_control', 'http://localhost:8080'), null);
});
