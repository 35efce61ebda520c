import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import t from 'tap';
import { createDatabase, redisUrl, startNats } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { createEdge } from '../services/edge/edge.ts';
import { type Client, connectClient } from '../services/edge/stage/client.ts';
import { createRouter } from '../services/router/router.ts';
import { setUpStreams } from '../services/router/streams/stream-setup.ts';
import { openDatabase } from '../services/store/database/database.ts';
import { migrate } from '../services/store/database/migrate.ts';
import { createStore } from '../services/store/store.ts';
import { subjects } from '../shared/contracts/subjects.ts';
import { newId, type UserId } from '../shared/ids.ts';
import { connectBus } from '../shared/nats/bus.ts';
import { connectNats } from '../shared/nats/nats-connection.ts';
import { createLogger } from '../shared/process/logger.ts';
import { createMetrics } from '../shared/process/metrics.ts';
import { EVENTS_AND_SAMPLE } from './stage/sample-noted.ts';

const SECRET = 'a secret of a test, long enough for HS256';
const MIB = 1024 * 1024;

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const [nats, database, redis] = await Promise.all([startNats(), createDatabase(), redisUrl()]);
const seedOf = (user: string): string => nats.seeds[user] as string;
const natsOf = (user: string) => ({ url: nats.url, nkeySeed: seedOf(user) });
const direct = openDatabase({ url: database.url, poolMax: 2, logger });
await migrate(direct.db);
await makeStreams();
const profiles = await connectBus({ ...natsOf('profiles'), ...depsOf('profiles') });
const store = await createStore(
  {
    ...commonOf('store-1', 'store'),
    database: { url: database.url, poolMax: 8, pooling: 'session' as const },
    retentionDays: 90,
    graceDays: 7,
    contentKeys: [{ id: 'k1', key: randomBytes(32) }],
    editWindowMs: 0,
  },
  depsOf('store-1'),
);
const router = await createRouter(
  { ...commonOf('router-1', 'router'), queueShards: 1, queueInactiveDays: 7 },
  depsOf('router-1'),
);
const key = { kind: 'secret' as const, secret: SECRET };
const edge = await createEdge(
  {
    ...commonOf('edge-1', 'edge-1'),
    ...{ host: '127.0.0.1', port: 0, redisUrl: redis },
    ...{ allowedOrigins: [], serviceTokens: [], page: { isServed: false, loginUrl: undefined } },
    push: { publicKey: undefined, endpoints: 'public' },
    connections: { max: 100, closingMax: Infinity },
    ...{ admissionRatePerS: 100, drainMs: 500, drainReconnectMs: 100 },
    token: { key, algorithms: ['HS256'], issuer: undefined, audience: undefined },
  },
  depsOf('edge-1'),
);
t.teardown(async () => {
  for (const part of [edge, router, store, profiles, direct]) await part.close();
  await nats.stop();
  await database.drop();
});

function depsOf(instance: string) {
  const metrics = createMetrics('test', instance);
  return { instance, logger, metrics, events: EVENTS_AND_SAMPLE };
}

function commonOf(instance: string, user: string) {
  const admin = { host: '127.0.0.1', port: 0 };
  return { instance, nats: natsOf(user), admin, log: { level: 'silent', hashKey: 'k' } };
}

async function makeStreams(): Promise<void> {
  const nc = await connectNats({ ...natsOf('setup'), natsUser: 'setup', instance: 'setup' });
  const bytes = { queueBytesMax: 64 * MIB, eventsBytesMax: 64 * MIB };
  await setUpStreams(nc, { shards: 1, replicas: 1, ...bytes, feedConsumers: [] });
  await nc.close();
}

async function tokenOf(userId: UserId): Promise<string> {
  const jwt = new SignJWT({ sub: userId }).setProtectedHeader({ alg: 'HS256' });
  return jwt.setExpirationTime('1h').sign(new TextEncoder().encode(SECRET));
}

async function openSession(userId: UserId): Promise<Client> {
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone' };
  const client = await connectClient(edge.port, { headers });
  await client.next('replay_end');
  return client;
}

async function call(userId: UserId, [method, path]: [string, string], body: object) {
  const authorization = `Bearer ${await tokenOf(userId)}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const url = `http://127.0.0.1:${edge.port}/api/v1/${path}`;
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

t.test('a kind that has its own file and one row goes from the outbox to clients', async (t) => {
  const [ann, bob, carl] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const names = { users: [{ id: ann, name: 'Ann' }], businesses: [] };
  profiles.serve({ subject: subjects.profiles('get'), concurrencyMax: 99 }, async () => names);
  await until('the edge knows the router', async () => {
    return (await fetch(`http://127.0.0.1:${edge.adminPort}/readyz`)).ok;
  });
  const clients = await Promise.all([ann, bob, carl].map(openSession));
  const [client, other, late] = clients as [Client, Client, Client];
  const conversation = { type: 'group', participant_ids: [bob] };
  const created = await client.ask({ type: 'create_conversation', conversation });
  const { conversation_id } = created.data as { conversation_id: string };
  const path = `conversations/${conversation_id}`;
  await call(ann, ['PATCH', path], { title: 'Trek' });
  const changed = await client.next('message');
  await call(ann, ['POST', `${path}/participants`], { user_ids: [carl] });
  await late.next('conversation');

  // The transaction that notes the message would write this row. Repair claims it after 5 s.
  const payload = JSON.stringify({ noted_by: bob });
  const written = [[newId()], [conversation_id], [changed.seq], [payload]];
  await direct.pool.query(
    `select write_outbox('sample_noted', $1, $2, $3, $4, now() - interval '6 s')`,
    written,
  );
  for (const one of [client, other]) {
    const { q, ...frame } = await one.next('sample_noted');
    t.ok(Number(q) > 0, 'the event is durable');
    t.match(frame, { noted_by: bob, message_id: changed.message_id, seq: changed.seq });
    t.equal(frame.content, 'Ann changed the title to \u201cTrek\u201d', 'it has names');
  }
  const owed = () => direct.pool.query('select from outbox', []);
  await until('nothing is owed', async () => (await owed()).length === 0);
  t.notOk(
    late.frames.some(({ type }) => type === 'sample_noted'),
    'it goes to those alone who may see',
  );
  for (const one of clients) await one.close();
});
