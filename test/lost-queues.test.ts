import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NatsConnection } from 'nats';
import t from 'tap';
import { TEST_QUEUE_SHARDS } from '../dev/testing/common-stack.ts';
import { setUpStreams } from '../services/router/streams/stream-setup.ts';
import { connectNats } from '../shared/nats/nats-connection.ts';
import { DeviceQueues } from './device-streams/device-queues.ts';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';
import { startTraffic } from './stage/traffic.ts';

/** NATS loses single device queues, all of its data, or the last minutes of its data. */
const system = await setStack(t, { edges: 2, routers: 2, stores: 1 });
const STREAM_BYTES_MAX = 4 * 1024 ** 3;
/**
 * A router tells a session of the loss 1.5 s after it noticed the loss, or later. It tells the
 * session again, because its edge may have missed the first signal.
 */
const TOLD_MS = 20_000;
const BETWEEN = 25;

const jetStreamDir = ((): string => {
  const config = system.stack.processes.find(({ name }) => name === 'nats')?.args.at(-1);
  if (config === undefined) throw new Error('NATS is not of the stack');
  return join(dirname(config), 'jetstream');
})();

async function withSetup(use: (nc: NatsConnection) => Promise<unknown>): Promise<void> {
  const { urls, seeds } = system.stack;
  const user = { natsUser: 'setup', instance: 'setup', nkeySeed: seeds.setup ?? '' };
  const nc = await connectNats({ url: urls.nats, ...user });
  try {
    await use(nc);
  } finally {
    await nc.close();
  }
}

const setUp = () =>
  withSetup((nc) =>
    setUpStreams(nc, {
      ...{ shards: TEST_QUEUE_SHARDS, replicas: 1, feedConsumers: [] },
      ...{ queueBytesMax: STREAM_BYTES_MAX, eventsBytesMax: STREAM_BYTES_MAX },
    }),
  );

const queues = await DeviceQueues.open(system);
t.teardown(() => queues.close());

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  await a.post(conversation, 'before');
  await b.messages(1);
  await b.settled();
  return { bob, conversation, a, b };
}

const distinct = (client: Client): number[] => [...new Set(seqsOf(client.messageEvents))];

t.test('a session whose queue is lost is told resync, gets the rest and goes on', async (t) => {
  const { bob, conversation, a, b } = await scene();
  await queues.lose({ person: bob, deviceId: 'phone' });
  for (const n of numbers(2, 6)) await a.post(conversation, `${n}`);
  await b.next('resync', TOLD_MS);
  await b.next('replay_end');
  await a.post(conversation, 'after');
  const event = await b.next(({ content }) => content === 'after');
  t.type(event.q, 'number');
  t.same(distinct(b), numbers(1, 7));
  t.ok(b.isOpen, 'the socket stayed open');
});

t.test('a device that was away when its queue was lost is told and misses nothing', async (t) => {
  const { bob, conversation, a, b } = await scene();
  await b.close();
  await queues.lose({ person: bob, deviceId: 'phone' });
  for (const n of numbers(2, 6)) await a.post(conversation, `${n}`);
  const back = await system.connectNew(bob);
  t.equal(back.received[0]?.resumed, false);
  // Store may not have the position of the first message yet. Then that message is replayed too.
  const missed = (): number[] => seqsOf(back.messageEvents).filter((seq) => seq > 1);
  t.same(missed(), numbers(2, 6));
  await a.post(conversation, 'after');
  await back.next(({ content }) => content === 'after');
  t.same(missed(), numbers(2, 7));
});

t.test('nothing acknowledged is lost when NATS comes back without its data', async (t) => {
  const { bob, conversation, a, b } = await scene();
  await b.close();
  await a.post(conversation, 'for who is away');
  const traffic = await startTraffic(system, [1, 2]);
  await traffic.progress(BETWEEN);
  system.signal('nats', 'SIGKILL');
  rmSync(jetStreamDir, { recursive: true });
  await system.stack.start('nats');
  await setUp();
  await traffic.progress(BETWEEN);
  await traffic.check(t);
  t.ok(
    traffic.devices.every(({ resyncs }) => resyncs > 0),
    'every device was told to resync',
  );
  const back = await system.connectNew(bob);
  t.equal(back.received[0]?.resumed, false);
  t.same(distinct(back), [2]);
});

t.test('nothing acknowledged is lost when NATS comes back with older data', async (t) => {
  const { bob, conversation, a, b } = await scene();
  const traffic = await startTraffic(system, [1, 2]);
  await traffic.progress(BETWEEN);
  await system.stack.stopProcess('nats');
  const copy = `${jetStreamDir}-copy`;
  cpSync(jetStreamDir, copy, { recursive: true });
  await system.stack.start('nats');
  await traffic.progress(BETWEEN);
  await b.close();
  await a.post(conversation, 'for who is away');
  system.signal('nats', 'SIGKILL');
  rmSync(jetStreamDir, { recursive: true });
  cpSync(copy, jetStreamDir, { recursive: true });
  await system.stack.start('nats');
  await traffic.progress(BETWEEN);
  await traffic.check(t);
  const back = await system.connect(bob);
  await back.messages(1);
  t.ok(distinct(back).includes(2));
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
