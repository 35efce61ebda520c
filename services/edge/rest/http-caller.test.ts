import { createHash } from 'node:crypto';
import t from 'tap';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { Edge } from '../edge.ts';
import { SERVICE_TOKENS, setStage, tokenOf } from '../stage/edge-stage.ts';
import { askUpgrade } from '../stage/upgrade.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
const store = await stage.busOf('store-1');
t.teardown(() => stage.close());

const [service, otherService] = SERVICE_TOKENS as [string, string];
const userId = newId<UserId>();
const token = await tokenOf(userId);
const businessId = newId<BusinessId>();
const path = `/businesses/${businessId}`;
const settings = { assignment: 'least_busy', capacity: 5, time_zone: 'UTC' };

let asked: unknown[] = [];
store.serve({ subject: subjects.store('businesses.get'), concurrencyMax: 999 }, (body) => {
  asked.push(body);
  return settings;
});
store.serve({ subject: subjects.store('businesses.agents'), concurrencyMax: 9 }, () => ({
  agents: [],
  next_cursor: null,
}));
const exports: unknown[] = [];
store.serve({ subject: subjects.store('users.export'), concurrencyMax: 9 }, (body) => {
  exports.push(body);
  return { items: [], next_cursor: null };
});
await store.nc.flush();

type Call = { bearer?: string; body?: unknown; at?: Edge };

async function call(method: string, below: string, { bearer, body, at = edge }: Call = {}) {
  const response = await fetch(`http://127.0.0.1:${at.port}/api/v1${below}`, {
    method,
    headers: { ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, body: parsed, code: parsed?.error?.code as string | undefined };
}

t.test('a service and a user ask each as what they are', async (t) => {
  for (const [bearer, asker] of [
    [service, 'service'],
    [otherService, 'service'],
    [token, userId],
  ] as const) {
    asked = [];
    t.equal((await call('GET', path, { bearer })).status, 200);
    t.same(asked, [{ asker, business_id: businessId }]);
  }
});

t.test('a service may ask for nothing but what is for services', async (t) => {
  const conversation = `/conversations/${newId()}`;
  for (const [method, below, body] of [
    ['GET', '/conversations', undefined],
    ['GET', conversation, undefined],
    ['GET', `${conversation}/messages`, undefined],
    ['POST', `${conversation}/messages`, { client_msg_id: newId(), content: 'x' }],
    ['GET', `/presence?user_ids=${userId}`, undefined],
    ['PUT', `${path}/availability`, { status: 'available' }],
  ] as const) {
    const answer = await call(method, below, { bearer: service, body });
    t.same([answer.status, answer.code], [403, 'FORBIDDEN'], `${method} ${below}`);
  }
  t.equal(router.count('message'), 0);
  t.equal(router.count('businesses.set_status'), 0);
});

t.test('what is for services alone is refused to users, even about themselves', async (t) => {
  const exported = `/users/${userId}/export`;
  const before = exports.length;
  const refused = await call('GET', exported, { bearer: token });
  t.same([refused.status, refused.code], [403, 'FORBIDDEN']);
  t.equal((await call('GET', exported)).status, 401);
  for (const wrong of [`/users/${userId.slice(1)}/export`, `${exported}?limit=5`]) {
    t.equal((await call('GET', wrong, { bearer: service })).code, 'INVALID_REQUEST', wrong);
  }
  const long = `${exported}?cursor=${'x'.repeat(257)}`;
  t.equal((await call('GET', long, { bearer: service })).code, 'INVALID_REQUEST');
  t.equal(exports.length, before, 'store was not asked');
  const answer = await call('GET', `${exported}?cursor=abc`, { bearer: otherService });
  t.same([answer.status, answer.body], [200, { items: [], next_cursor: null }]);
  const name = createHash('sha256').update(otherService).digest('hex').slice(0, 8);
  t.same(exports.slice(before), [{ user_id: userId, cursor: 'abc', service: name }]);
});

t.test('neither token is ever taken for the other', async (t) => {
  const { SignJWT } = await import('jose');
  const forged = (secret: string): Promise<string> =>
    new SignJWT({ sub: userId })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
  for (const bearer of [
    await tokenOf('service'),
    await tokenOf(service),
    await forged(service),
    service.slice(0, -1),
    `${service}x`,
    service.toUpperCase(),
    `${service},${otherService}`,
  ]) {
    asked = [];
    const answer = await call('GET', path, { bearer });
    t.same([answer.status, answer.code], [401, 'UNAUTHENTICATED'], bearer);
    t.same(asked, []);
  }
  asked = [];
  await call('GET', path, { bearer: await tokenOf(userId, { role: 'service', service: true }) });
  t.match(asked, [{ asker: userId }], 'claims make no service of a user');
});

t.test('a service token opens no socket', async (t) => {
  const headers = { authorization: `Bearer ${service}` };
  t.equal((await askUpgrade(edge.port, headers)).status, 401);
  const client = await stage.connect(edge);
  client.send({ type: 'auth', token: service });
  t.equal(await client.closed, 4500);
});

t.test('each service token has a rate of its own, and no user feels it', async (t) => {
  const own = await stage.startEdge('edge-2');
  const many = Array.from({ length: 400 }, () => call('GET', path, { bearer: service, at: own }));
  const answers = await Promise.all(many);
  const refused = answers.filter(({ code }) => code === 'RATE_LIMITED');
  t.ok(refused.length > 0 && refused.length <= 200, `${refused.length} of 400`);
  t.match(refused[0]?.body, { error: { retry_after: Number } });
  for (const bearer of [otherService, token]) {
    t.equal((await call('GET', path, { bearer, at: own })).status, 200);
  }
});

t.test('only the list of agents may be longer than 64 KiB, up to 128 KiB', async (t) => {
  router.script['businesses.set_agents'] = () => ({ agents: [], next_cursor: null });
  const body = {
    agents: Array.from({ length: 1_000 }, () => ({
      user_id: newId(),
      role: 'manager',
      capacity: 9,
    })),
  };
  t.ok(JSON.stringify(body).length > 64 * 1024);
  const put = (below: string, sent: unknown) => call('PUT', below, { bearer: service, body: sent });
  t.equal((await put(`${path}/agents`, body)).status, 200);
  const [asked] = router.requests.slice(-1);
  t.match(asked, { op: 'businesses.set_agents', asker: 'service', business_id: businessId });
  const long = { ...settings, away_message: 'x'.repeat(70_000) };
  t.equal((await put(path, long)).code, 'PAYLOAD_TOO_LARGE');
  const longer = { agents: [...body.agents, ...body.agents] };
  const answer = await put(`${path}/agents`, longer);
  t.same([answer.status, answer.code], [413, 'PAYLOAD_TOO_LARGE']);
});

t.test('impossible settings and agents are refused with all that is wrong', async (t) => {
  const user_id = newId();
  for (const [below, body, problem] of [
    [path, {}, /time_zone/],
    [path, { time_zone: 'Mars/Olympus' }, /time_zone/],
    [path, { ...settings, hours: { mon: [['09:00', '09:00']] } }, /hours\.mon/],
    [
      path,
      {
        ...settings,
        hours: {
          mon: [
            ['09:00', '12:00'],
            ['11:00', '13:00'],
          ],
        },
      },
      /overlaps/,
    ],
    [path, { ...settings, exceptions: [{ date: '2026-02-29', intervals: [] }] }, /2026-02-29/],
    [path, { ...settings, capacity: 101 }, /capacity/],
    [path, { ...settings, business_id: businessId }, /unknown field business_id/],
    [path, [], /object/],
    [`${path}/agents`, { agents: [{ user_id }, { user_id }] }, /comes twice/],
    [`${path}/agents`, { agents: [{ user_id: businessId }] }, /the business itself/],
    [`${path}/agents`, { agents: [{ user_id, capacity: 0 }] }, /capacity/],
    [`${path}/agents`, { agents: [{ user_id, role: 'owner' }] }, /role/],
    [`${path}/agents`, { agents: Array(1_001).fill({ user_id }) }, /1000/],
    [`${path}/agents`, {}, /agents/],
    [`${path}/agents/${businessId}`, {}, /the business itself/],
    [`${path}/agents/${user_id}`, { capacity: 101 }, /capacity/],
    [`${path}/agents/${user_id}`, { status: 'available' }, /unknown field status/],
    [`/businesses/nowhere`, settings, /business_id/],
  ] as [string, unknown, RegExp][]) {
    const answer = await call('PUT', below, { bearer: service, body });
    t.same([answer.status, answer.code], [400, 'INVALID_REQUEST'], `${below} ${problem}`);
    const { problems = [] } = answer.body.error.details ?? {};
    t.match(problems.join('; '), problem);
  }
  const answer = await call('PUT', `${path}/availability`, {
    bearer: token,
    body: { status: 'on' },
  });
  t.equal(answer.code, 'INVALID_REQUEST');
});
