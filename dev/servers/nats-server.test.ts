import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import t from 'tap';
import { launch, stop, untilReady } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findInFiles, formsOf } from '../testing/find-in-files.ts';
import { findProgram, installMissing } from './binaries.ts';
import { ENCRYPTION, JETSTREAM_KEY, readJetStreamKey } from './nats-server.ts';

const STREAM = 'QUEUES';
const QUEUE = 'device';
const MARK = 'words-of-a-person';
const READY_MS = 20_000;

installMissing(['nats']);
const dir = mkdtempSync(join(tmpdir(), 'kaha-at-rest-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a server on the files of `store` while `act` uses it. Without a key it encrypts nothing. */
async function withServer(
  { store, key }: { store: string; key?: string },
  act: (nc: NatsConnection) => Promise<unknown>,
): Promise<void> {
  const [port] = (await freePorts(1)) as [number];
  const encryption = key === undefined ? '' : ENCRYPTION;
  const conf = join(dir, 'nats.conf');
  const storeDir = JSON.stringify(join(dir, store));
  const jetStream = `jetstream {\n  store_dir: ${storeDir}\n${encryption}\n}\n`;
  writeFileSync(conf, `host: 127.0.0.1\nport: ${port}\n${jetStream}`);
  const running = launch(
    {
      ...{ name: 'nats', service: 'nats', port, ready: { port } },
      ...{ command: findProgram('nats') as string, args: ['-c', conf] },
      env: key === undefined ? {} : { [JETSTREAM_KEY]: key },
      log: join(dir, 'nats.log'),
    },
    { bound: true },
  );
  try {
    await untilReady(running, READY_MS);
    const nc = await connect({ servers: `127.0.0.1:${port}` });
    await act(nc).finally(() => nc.close());
  } finally {
    await stop(running);
  }
}

async function makeStream(nc: NatsConnection): Promise<void> {
  const jsm = await nc.jetstreamManager();
  const retention = 'interest' as never;
  await jsm.streams.add({ name: STREAM, subjects: ['queue.*'], retention });
}

/** Makes the queue of a device, with ten messages, of which the device takes four. */
async function fill(nc: NatsConnection): Promise<void> {
  await makeStream(nc);
  const jsm = await nc.jetstreamManager();
  const ack_policy = 'explicit' as never;
  await jsm.consumers.add(STREAM, { durable_name: QUEUE, ack_policy });
  for (let n = 1; n <= 10; n += 1) await nc.jetstream().publish('queue.x', `${MARK} ${n}`);
  await take(nc, 4);
}

async function take(nc: NatsConnection, count: number): Promise<string[]> {
  const taken: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const msg = await nc.jetstream().pull(STREAM, QUEUE);
    await msg.ackAck();
    taken.push(msg.string());
  }
  return taken;
}

const named = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${MARK} ${from + index}`);
const found = (store: string): string[] => findInFiles(join(dir, store), formsOf(MARK));

t.test('the key is drawn once, and NATS takes it for a text whatever it is', async (t) => {
  const keys = Array.from({ length: 20 }, (_, n) => {
    const folder = mkdtempSync(join(dir, `key-${n}-`));
    const key = readJetStreamKey(folder);
    t.equal(readJetStreamKey(folder), key);
    return key;
  });
  t.equal(new Set(keys).size, keys.length);
  for (const key of keys) t.match(key, /^k[0-9a-f]{64}$/);
  const folder = mkdtempSync(join(dir, 'empty-'));
  writeFileSync(join(folder, 'jetstream.key'), '\n');
  t.throws(() => readJetStreamKey(folder), /is empty/, 'an empty key would encrypt nothing');
});

t.test('a queue of a server that had no key is encrypted, and loses nothing', async (t) => {
  const store = 'upgraded';
  await withServer({ store }, fill);
  t.not(found(store).length, 0, 'the words are found as long as nothing is encrypted');
  const key = readJetStreamKey(dir);
  await withServer({ store, key }, async (nc) => {
    t.same(found(store), [], 'what was stored before is encrypted too');
    t.same(await take(nc, 2), named(5, 6));
    await nc.jetstream().publish('queue.x', `${MARK} 11`);
  });
  t.same(found(store), []);
  await withServer({ store, key }, async (nc) => t.same(await take(nc, 5), named(7, 11)));
});

t.test('another key opens nothing and harms nothing, and an emptied folder is taken', async (t) => {
  const store = 'changed';
  const key = readJetStreamKey(dir);
  await withServer({ store, key }, fill);
  t.same(found(store), []);
  const other = readJetStreamKey(mkdtempSync(join(dir, 'other-')));
  await withServer({ store, key: other }, async (nc) => {
    const jsm = await nc.jetstreamManager();
    await t.rejects(jsm.streams.info(STREAM), /stream not found/);
    await t.rejects(makeStream(nc), /error creating store for stream/);
  });
  await withServer({ store, key }, async (nc) => t.same(await take(nc, 2), named(5, 6)));
  rmSync(join(dir, store), { recursive: true });
  await withServer({ store, key: other }, async (nc) => {
    await fill(nc);
    t.same(await take(nc, 6), named(5, 10));
  });
});
