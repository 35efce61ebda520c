import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { startBackedUpPostgres } from '../../../dev/testing/postgres-backup.ts';
import { startNats } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import { natsUserOf } from '../../../shared/contracts/permissions.ts';
import { jetStreamApi, streams, subjects } from '../../../shared/contracts/subjects.ts';
import { type JobId, NOBODY, newId, type UserId } from '../../../shared/ids.ts';
import { connectBus } from '../../../shared/nats/bus.ts';
import { createAskStore } from '../../../shared/nats/rpc-clients.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { openDatabase } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { erase, runJob, tablesWith } from '../stage/job-runner.ts';
import {
  appendOk,
  contentKeys,
  createGroup,
  createTalk,
  letter,
  openStore,
  silent,
} from '../stage/store-stage.ts';
import { createStore } from '../store.ts';
import { createErasureStream } from './erasure-stream.ts';
import { runReapply } from './reapply-program.ts';

const nats = await startNats();
const postgres = await startBackedUpPostgres();
const { url } = postgres;
const direct = openDatabase({ url, poolMax: 2, logger: silent });
const sql = <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
  direct.pool.query<Row>(text, values);
await migrate(direct.db);

const busOf = (instance: string) =>
  connectBus({
    url: nats.url,
    nkeySeed: nats.seeds[natsUserOf(instance)] as string,
    ...{ instance, logger: silent, metrics: createMetrics(instance, instance) },
  });
const setup = await busOf('setup');
const router = await busOf('router-1');
const storeBus = await busOf('store-2');
const makeStream = (): Promise<unknown> =>
  setup.nc.request(
    jetStreamApi(`STREAM.CREATE.${streams.erasures}`),
    JSON.stringify({
      ...{ name: streams.erasures, subjects: [subjects.erasures], storage: 'file' },
      ...{ allow_direct: true, max_age: 0, discard: 'new', retention: 'limits' },
    }),
  );
await makeStream();
const stream = createErasureStream(storeBus);
const parts = openStore(url, { recordErasure: stream.append });
const running = { store: parts, sql };

const config = {
  instance: 'store-1',
  nats: { url: nats.url, nkeySeed: nats.seeds.store as string },
  admin: { host: '127.0.0.1', port: 0 },
  log: { level: 'silent', hashKey: 'test' },
  database: { url, poolMax: 8, pooling: 'session' as const },
  contentKeys,
  retentionDays: 90,
  graceDays: 7,
  editWindowMs: 900_000,
};
const startStore = () =>
  createStore(config, { logger: silent, metrics: createMetrics('store', 'store-1') });
const store = await startStore();
const ask = createAskStore(router, 2_000);
const readiness = async () => {
  const response = await fetch(`http://127.0.0.1:${store.adminPort}/readyz`);
  return { status: response.status, text: await response.text() };
};
t.teardown(async () => {
  await store.close();
  await parts.close();
  for (const bus of [router, storeBus, setup]) await bus.close();
  await direct.close();
  await postgres.stop();
  await nats.stop();
});

/** Runs the command in a process of its own. A `kill` ends it once it has told so many lines. */
async function runCommand({ killAfter }: { killAfter?: number } = {}) {
  const keys = contentKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(',');
  const child = spawn(
    process.execPath,
    ['--import=tsx', 'services/store/retention-main.ts', 'reapply'],
    {
      env: {
        ...{ DATABASE_URL: url, CONTENT_KEYS: keys },
        ...{ NATS_URL: nats.url, NATS_NKEY_SEED: nats.seeds.store },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let [out, told] = ['', ''];
  child.stdout.on('data', (data) => {
    out += String(data);
  });
  child.stderr.on('data', (data) => {
    told += String(data);
    if (killAfter !== undefined && told.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  const [code] = await once(child, 'close');
  return { code, out, told };
}

/** No job gets past this conversation meanwhile. */
async function whileLocked(conversationId: string, work: () => Promise<unknown>): Promise<void> {
  const client = await direct.pool.connect();
  try {
    await client.query('begin');
    await client.query('set local idle_in_transaction_session_timeout = 0');
    const lock = 'select from conversations where conversation_id = $1 for update';
    await client.query(lock, [conversationId]);
    await work();
  } finally {
    await client.query('rollback');
    client.release();
  }
}

const alone = await createTalk(parts);
const { id, alice, bina } = await createTalk(parts);
const [ann, ben] = [newId<UserId>(), newId<UserId>()];
const group = await createGroup(parts, [ann, ben, alice]);
await appendOk(parts, id, [letter(alice, 'hers'), letter(bina, 'his')]);
await appendOk(parts, group, [letter(ann, 'one'), letter(alice, 'two')]);
await appendOk(parts, alone.id, [letter(alone.alice, 'to be kept')]);
// No router is here, and an erasure waits for what routers owe.
await sql('delete from outbox');

t.test(
  'a store of a database that nobody restored is ready, with and without erasures',
  async (t) => {
    await until('the store is ready', async () => (await readiness()).status === 200);
    postgres.backUp();
    const { job_id } = await parts.operations['conversations.erase_content'](
      { conversation_id: group, service: 'test' },
      0,
    );
    await runJob(job_id, running);
    await erase(alice, running);
    const ends = await stream.ends();
    t.equal(ends?.lastSeq, 2);
    const other = await startStore();
    await until('the second store is ready', async () => {
      return (await fetch(`http://127.0.0.1:${other.adminPort}/readyz`)).status === 200;
    });
    await other.close();
    const kept: string[] = [];
    for await (const { record } of stream.read(1, 2)) kept.push(JSON.stringify(record));
    t.notOk(kept.join().includes(alice), 'no record names a person');
  },
);

t.test('after a restore from before, nothing is served until all is erased again', async (t) => {
  await postgres.restore();
  await until('the store knows', async () => (await readiness()).text.includes('reapply'));
  t.match(await readiness(), { status: 503, text: /2 erasures missing/ });
  const asked = { conversation_id: id };
  await t.rejects(ask('conversations.participants', asked), { code: 'DATABASE_UNAVAILABLE' });
  const late = await startStore();
  await t.rejects(ask('conversations.participants', asked), { code: 'DATABASE_UNAVAILABLE' });
  await late.close();
  t.ok((await tablesWith(sql, alice)).length > 0, 'the restored database names her');

  await whileLocked(id, () => runCommand({ killAfter: 2 }));
  t.match(await readiness(), { status: 503 }, 'a command that was killed has not done all');
  const { code, out, told } = await runCommand();
  t.same([code, out], [0, '2 repeated, 0 failed\n'], told);
  await until('the store is ready', async () => (await readiness()).status === 200);

  t.same(await tablesWith(sql, alice), []);
  const read = (user_id: UserId, conversation_id: typeof id) =>
    parts.operations['messages.history']({ user_id, conversation_id }, 0);
  t.match((await read(bina, id)).messages, [
    { sender_id: NOBODY, deleted_at: String },
    { content: 'his' },
  ]);
  t.same(
    (await read(ann, group)).messages.map(({ message_type }) => message_type).sort(),
    (await read(ben, group)).messages.map(({ message_type }) => message_type).sort(),
  );
  t.notOk(JSON.stringify(await read(ann, group)).includes('one'));
  t.match((await read(alone.bina, alone.id)).messages, [{ content: 'to be kept' }]);
  t.match(await ask('conversations.participants', asked), { conversation_id: id });
  t.same(await runReapply(config, { logger: silent, tell() {} }), { repeated: 0, failed: 0 });
  t.match(await parts.operations['users.is_erased']({ user_id: alice }, 0), { is_erased: true });
});

t.test('records that NATS has lost are stored once more', async (t) => {
  await setup.nc.request(jetStreamApi(`STREAM.DELETE.${streams.erasures}`), '');
  await makeStream();
  t.equal((await stream.ends())?.lastSeq, 0);
  const other = await startStore();
  t.equal((await stream.ends())?.lastSeq, 2);
  await other.close();
  const third = await startStore();
  t.equal((await stream.ends())?.lastSeq, 2, 'and only once');
  await third.close();
});

t.test('nothing is repeated or served without the stream', async (t) => {
  await setup.nc.request(jetStreamApi(`STREAM.DELETE.${streams.erasures}`), '');
  const record = { job_id: newId<JobId>(), service: 'test', kind: 'erase_content' as const };
  const appending = stream.append({ ...record, conversation_id: group });
  await t.rejects(appending, { code: 'MESSAGING_UNAVAILABLE' });
  const repeating = runReapply(config, { logger: silent, tell() {} });
  await t.rejects(repeating, { message: 'the stream ERASURES is missing' });
  const other = await startStore();
  const response = await fetch(`http://127.0.0.1:${other.adminPort}/readyz`);
  t.match(await response.text(), /erasures not compared/);
  await other.close();
});
