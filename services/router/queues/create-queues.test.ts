import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { type ConversationId, newId, shardOf, type UserId } from '../../../shared/ids.ts';
import { letter, SHARDS, StageDevice, send, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
await stage.startRouter();
const { edge, store, nats } = stage;
const admin = await stage.busOf('setup');
const jsm = await admin.nc.jetstreamManager();
t.teardown(() => stage.close());

function userIn(shard: number): UserId {
  for (;;) {
    const userId = newId<UserId>();
    if (shardOf(userId, SHARDS) === shard) return userId;
  }
}

async function pair(shards: [number, number] = [0, 1]) {
  const devices = shards.map((shard) => new StageDevice(edge, userIn(shard)));
  for (const device of devices) await device.open();
  const [alice, bina] = devices as [StageDevice, StageDevice];
  return { alice, bina, conversation: store.open([alice.userId, bina.userId]) };
}

t.test(
  'users of a full shard with nothing to void get a live copy, others a queued one',
  async (t) => {
    const { alice, bina, conversation } = await pair();
    const full = (await jsm.streams.info('QUEUE_1')).config;
    await jsm.streams.update('QUEUE_1', { ...full, max_bytes: 1 });
    const sent = await send(edge, letter(conversation, alice.userId));
    await until('the copy came', () => bina.signals.length === 1);
    t.match(bina.signals[0], { kind: 'event', event: { type: 'message', seq: sent.seq } });
    t.equal(alice.events.length, 1);
    t.equal(store.outbox.size, 1);
    await jsm.streams.update('QUEUE_1', full);
    store.age();
    await until('the queue has it', () => bina.events.length === 1);
    await until('the outbox is empty', () => store.outbox.size === 0);
    t.equal(alice.events.length, 1, 'the same message id is not queued twice');
  },
);

t.test('a full queue alone is voided, and the other devices of the user go on', async (t) => {
  const { alice, bina, conversation } = await pair();
  const away = new StageDevice(edge, bina.userId, 'old-phone');
  await away.open();
  await away.close();
  const usual = (await jsm.streams.info('QUEUE_1')).config;
  await jsm.streams.update('QUEUE_1', { ...usual, max_msgs_per_subject: 5 });
  for (let index = 0; index < 8; index += 1) await send(edge, letter(conversation, alice.userId));
  await until('all came', () => bina.events.length === 8);
  t.same(bina.signals, [{ kind: 'resync', device_id: 'old-phone' }]);
  t.match(await away.open(), { resumed: false });
  await until('the outbox is empty', () => store.outbox.size === 0);
  await jsm.streams.update('QUEUE_1', usual);
});

t.test('the deepest queues of a full shard are voided until a tenth is free', async (t) => {
  const { alice, bina, conversation } = await pair([0, 2]);
  const [deep, deeper] = ['deep', 'deeper'].map((id) => new StageDevice(edge, userIn(2), id));
  const rooms = [deep, deeper].map((one) =>
    store.open([alice.userId, (one as StageDevice).userId]),
  );
  for (const one of [deep, deeper]) {
    await one?.open();
    await one?.close();
  }
  const content = 'x'.repeat(500);
  for (const [index, count] of [30, 60].entries()) {
    for (let n = 0; n < count; n += 1) {
      const room = rooms[index] as ConversationId;
      await send(edge, letter(room, alice.userId, { content }));
    }
  }
  await until('the outbox is empty', () => store.outbox.size === 0);
  const { config, state } = await jsm.streams.info('QUEUE_2');
  await jsm.streams.update('QUEUE_2', { ...config, max_bytes: state.bytes + 1 });
  await send(edge, letter(conversation, alice.userId, { content }));
  await until('it came', () => bina.events.length === 1);
  await until('the outbox is empty', () => store.outbox.size === 0);
  t.match(await deeper?.open(), { resumed: false });
  t.match(await deep?.open(), { resumed: true });
  await until('all came', () => deep?.events.length === 30);
  t.same(bina.signals, []);
  await jsm.streams.update('QUEUE_2', config);
});

t.test('queues and events survive when NATS is killed and comes back', async (t) => {
  const { alice, bina, conversation } = await pair();
  await send(edge, letter(conversation, alice.userId));
  await until('it came', () => bina.events.length === 1);
  await stage.restartNats();
  store.age();
  await until('the outbox is empty', () => store.outbox.size === 0);
  await bina.close();
  t.match(await bina.open(), { resumed: true });
  await send(edge, letter(conversation, alice.userId));
  // An acknowledgement may be lost with the server, so the first event may come again.
  await until('it came', () => bina.events.some(({ seq }) => seq === 2));
  t.same(bina.signals, []);
});

t.test('the queues concerned are voided when a stream has lost its tail', async (t) => {
  const { alice, bina, conversation } = await pair([2, 3]);
  bina.acknowledges = false;
  for (let index = 0; index < 5; index += 1) await send(edge, letter(conversation, alice.userId));
  await until('all came', () => bina.events.length === 5 && store.outbox.size === 0);
  await stage.restartNats(() => damage(join(nats.dataDir, 'nats'), 'QUEUE_3'));
  const queuesOf = async (shard: number): Promise<string[]> => {
    return (await jsm.consumers.list(`QUEUE_${shard}`).next()).map(({ name }) => name);
  };
  const name = queueName(bina.userId, bina.deviceId);
  await until('voided', async () => !(await queuesOf(3)).includes(name));
  t.match(await bina.open(), { resumed: false });
  t.match(await alice.open(), { resumed: true });
  t.same(alice.signals, []);
});

/** Deletes the stream's messages, as if the disk had not written them. */
function damage(dir: string, stream: string): void {
  for (const path of readdirSync(dir, { recursive: true }) as string[]) {
    if (path.includes(`/${stream}/msgs/`)) rmSync(join(dir, path), { force: true });
  }
}
