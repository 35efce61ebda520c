import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startPostgresPair } from '../dev/testing/postgres-pair.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { askAll } from './stage/ask-all.ts';
import type { Client } from './stage/client.ts';
import { signalTree } from './stage/process-tree.ts';
import { type Person, setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/** The stores know both servers, the first of which takes writes. The other one follows it. */
const pair = await startPostgresPair();
t.teardown(() => pair.stop());
const counts = { edges: 1, routers: 1, stores: 2 };
const system = await setStack(t, { ...counts, databaseUrl: pair.urls });

/** Postgres takes no writes for this long. */
const READ_ONLY_MS = isSoak ? 20_000 : 2_000;
/** Everything works again after this time. */
const BACK_MS = 10_000;
const BETWEEN = 20;
const REFUSED = { error: { code: 'DATABASE_UNAVAILABLE', retry_after: Number } };

type Scene = { client: Client; person: Person; conversation: string; message: string };

async function scene(): Promise<Scene> {
  const [person, other] = await system.people(2);
  const conversation = await system.conversation([person, other]);
  const client = await system.connectNew(person);
  const { data } = await client.post(conversation, 'first');
  return { client, person, conversation, message: data?.message_id as string };
}

async function edit({ client, message }: Scene, content: string) {
  return client.ask({ type: 'edit', message_id: message, content });
}

async function mute({ person, conversation }: Scene) {
  const path = `/api/v1/conversations/${conversation}/mute`;
  return system.rest('PUT', path, { token: person.token, body: {} });
}

/** Resolves with what `/readyz` of each store says. */
async function readiness(): Promise<string[]> {
  const stores = system.stack.processes.filter(({ service }) => service === 'store');
  const texts = stores.map(async ({ admin_port: port }) => {
    return (await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()).trim();
  });
  return Promise.all(texts);
}

const areAll = async (text: string): Promise<boolean> =>
  (await readiness()).every((said) => said === text);

/** Every kind of request is served again within 10 s, and no owed event is left behind. */
async function checkBack(t: Test, at: Scene, sinceMs: number): Promise<void> {
  const left = (): number => BACK_MS - (performance.now() - sinceMs);
  await until('an edit', async () => (await edit(at, 'edited')).type === 'reply', left());
  await until('a mute', async () => (await mute(at)).status === 204, left());
  await until(
    'all requests',
    async () => (await askAll(system, at)).every(({ code }) => code === 'none'),
    left(),
  );
  await until('ready stores', () => areAll('ok'), left());
  t.ok(left() > 0, `${Math.round(BACK_MS - left())} ms`);
}

async function checkOutbox(): Promise<void> {
  await until('nothing is owed', async () => (await pair.sql('select from outbox')).length === 0);
}

t.test('a Postgres that takes no writes for a while serves reads, and heals', async (t) => {
  const at = await scene();
  const traffic = await startTraffic(system, [1]);
  await traffic.progress(BETWEEN);
  await pair.sql(`alter role ${pair.role} set default_transaction_read_only = on`);
  await pair.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`, [
    pair.role,
  ]);
  const startedAt = performance.now();
  await until('a send is refused', async () => (await at.client.post(at.conversation, 'x')).error);
  t.match(await at.client.post(at.conversation, 'y'), REFUSED);
  t.match(await edit(at, 'not now'), REFUSED);
  t.match(await mute(at), { status: 503, body: REFUSED });
  const { conversation, person } = at;
  t.ok(await system.history(person, conversation), 'reads are served');
  await until('the stores tell', () => areAll('postgres takes no writes'));
  await delay(Math.max(READ_ONLY_MS - (performance.now() - startedAt), 0));
  await pair.sql(`alter role ${pair.role} reset default_transaction_read_only`);
  const since = performance.now();
  await traffic.progress(1);
  await checkBack(t, at, since);
  await traffic.progress(BETWEEN);
  await traffic.check(t);
  await checkOutbox();
});

t.test('when the primary dies and the standby is promoted, stores follow', async (t) => {
  const at = await scene();
  const traffic = await startTraffic(system, [1]);
  await traffic.progress(BETWEEN);
  signalTree(pair.primary.pid, 'SIGKILL');
  await until('a send is refused', async () => (await at.client.post(at.conversation, 'x')).error);
  t.match(await at.client.post(at.conversation, 'y'), REFUSED);
  await until('the stores tell', async () => !(await readiness()).includes('ok'));
  t.match(await edit(at, 'not now'), REFUSED, 'a standby is not asked');
  await pair.promote();
  const since = performance.now();
  await traffic.progress(1);
  await checkBack(t, at, since);
  await traffic.progress(BETWEEN);
  await traffic.check(t);
  await checkOutbox();
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
