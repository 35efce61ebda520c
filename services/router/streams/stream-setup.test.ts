import { AckPolicy } from 'nats';
import t from 'tap';
import { startNats } from '../../../dev/testing/test-servers.ts';
import { streams } from '../../../shared/contracts/subjects.ts';
import { feedBatch, feedEvent } from '../../../shared/feed/stage/feed-batches.ts';
import { connectNats } from '../../../shared/nats/nats-connection.ts';
import { setUpStreams } from './stream-setup.ts';

const nats = await startNats();
const nkeySeed = nats.seeds.setup as string;
const nc = await connectNats({ url: nats.url, nkeySeed, natsUser: 'setup', instance: 'setup' });
const jsm = await nc.jetstreamManager();
t.teardown(async () => {
  await router.close();
  await nc.close();
  await nats.stop();
});

const MIB = 1024 ** 2;
const settings = {
  ...{ shards: 3, replicas: 1, queueBytesMax: 64 * MIB },
  ...{ eventsBytesMax: MIB, feedConsumers: ['one', 'two'] },
};

const consumersOfFeed = async (): Promise<string[]> =>
  (await jsm.consumers.list(streams.events).next()).map(({ name }) => name).sort();

t.test('a set-up makes every stream and consumer, and is safe to repeat', async (t) => {
  const first = await setUpStreams(nc, settings);
  t.same(first.created, [
    'QUEUE_0',
    'QUEUE_1',
    'QUEUE_2',
    'RECEIPTS',
    'EVENTS',
    'FEED_BOOKMARKS',
    'ERASURES',
    'KAHA_EVENTS',
  ]);
  const second = await setUpStreams(nc, settings);
  const nothing = { created: [], deletedStreams: [], deletedConsumers: [] };
  t.same(second, { ...nothing, updated: first.created });
  const shard = (await jsm.streams.info('QUEUE_1')).config;
  t.match(shard, {
    subjects: ['queue.1.>'],
    retention: 'interest',
    discard: 'new',
    num_replicas: 1,
    max_msgs_per_subject: 10_000,
    max_consumers: 4_096,
    duplicate_window: 30_000_000_000,
  });
  t.ok(shard.max_bytes > 0);
  t.match((await jsm.streams.info('RECEIPTS')).config, { retention: 'workqueue' });
  t.match((await jsm.streams.info('EVENTS')).config, {
    ...{ subjects: ['events.*'], retention: 'interest', discard: 'old', num_replicas: 1 },
    ...{ max_bytes: MIB, max_age: 7 * 86_400e9, duplicate_window: 30_000_000_000 },
  });
  t.equal((await jsm.consumers.info('RECEIPTS', 'store')).config.ack_policy, 'explicit');
  t.equal((await jsm.consumers.info('KAHA_EVENTS', 'profiles')).config.deliver_subject, undefined);
});

t.test('a set-up goes on where an earlier one stopped', async (t) => {
  await jsm.streams.delete('QUEUE_2');
  t.same((await setUpStreams(nc, settings)).created, ['QUEUE_2']);
});

t.test('a set-up makes EVENTS in a deployment that lacks it', async (t) => {
  await jsm.streams.delete('EVENTS');
  t.same((await setUpStreams(nc, settings)).created, ['EVENTS']);
  t.same(await consumersOfFeed(), ['one', 'two']);
});

t.test('a durable of the feed is made and removed with its name in the settings', async (t) => {
  const info = await jsm.consumers.info('EVENTS', 'one');
  t.match(info.config, { ack_policy: 'explicit', deliver_policy: 'all', ack_wait: 30_000_000_000 });
  t.ok((info.config.max_ack_pending ?? -1) > 0);
  const watching = { durable_name: 'watch-1', ack_policy: AckPolicy.Explicit };
  await jsm.consumers.add('EVENTS', { ...watching, inactive_threshold: 60_000_000_000 });
  const less = await setUpStreams(nc, { ...settings, feedConsumers: ['two', 'three'] });
  t.same(less.deletedConsumers, ['one']);
  t.same(await consumersOfFeed(), ['three', 'two', 'watch-1'], 'who watches is left alone');
  const none = await setUpStreams(nc, { ...settings, feedConsumers: [] });
  t.same(none.deletedConsumers.sort(), ['three', 'two']);
  t.same(await consumersOfFeed(), ['watch-1']);
  await jsm.consumers.delete('EVENTS', 'watch-1');
});

const router = await connectNats({
  url: nats.url,
  nkeySeed: nats.seeds.router as string,
  natsUser: 'router',
  instance: 'router-1',
});
const publish = async (subject: string, payload: string | Uint8Array): Promise<string> =>
  (await router.request(subject, payload)).string();

t.test('EVENTS keeps nothing while the feed has no consumer', async (t) => {
  t.notMatch(await publish('events.router-1', 'x'), /error/);
  t.equal((await jsm.streams.info('EVENTS')).state.messages, 0);
});

t.test('EVENTS drops the oldest events of a consumer that is away', async (t) => {
  await setUpStreams(nc, settings);
  const payload = JSON.stringify(feedBatch(Array.from({ length: 500 }, () => feedEvent())));
  for (let index = 0; index < 12; index += 1) {
    t.notMatch(await publish('events.router-1', payload), /error/);
  }
  const { state } = await jsm.streams.info('EVENTS');
  t.ok(state.bytes <= MIB);
  t.ok(state.messages > 0 && state.messages < 12);
  t.equal(state.last_seq - state.first_seq + 1, state.messages, 'the newest are there');
});

t.test('a set-up refuses another number of shards, more or fewer', async (t) => {
  await t.rejects(setUpStreams(nc, { ...settings, shards: 4 }), { name: 'ShardsChangedError' });
  await t.rejects(setUpStreams(nc, { ...settings, shards: 2 }), { name: 'ShardsChangedError' });
  t.equal((await jsm.streams.info('QUEUE_1')).config.description, 'queue shard 1 of 3');
});

t.test('a full queue refuses new messages instead of dropping the oldest', async (t) => {
  await jsm.streams.update('QUEUE_0', { max_msgs_per_subject: 3 });
  const queue = {
    durable_name: 'a',
    deliver_subject: 'deliver.u.d',
    filter_subject: 'queue.0.u.d',
  };
  await jsm.consumers.add('QUEUE_0', { ...queue, ack_policy: 'explicit' as never });
  for (let index = 0; index < 3; index += 1) {
    t.notMatch(await publish('queue.0.u.d', 'x'), /error/);
  }
  t.match(
    await publish('queue.0.u.d', 'x'),
    /"err_code":10077,"description":"maximum messages per subject/,
  );
});

t.test('an upgrade deletes the queues of users, with consumers and messages', async (t) => {
  for (const shard of [0, 1]) {
    await jsm.streams.add({
      name: `INBOX_${shard}`,
      description: `inbox shard ${shard} of 64`,
      // Nobody may publish to the subjects of that version any more.
      subjects: [`user.${shard}`],
      retention: 'interest' as never,
      // Without the room of these streams there is none for the new ones.
      max_bytes: 64 * MIB,
    });
    await jsm.consumers.add(`INBOX_${shard}`, {
      durable_name: 'user_phone',
      deliver_subject: 'deliver.user.phone',
      filter_subject: `user.${shard}`,
      ack_policy: AckPolicy.Explicit,
    });
    await jsm.streams.add({ name: `OTHERS_INBOX_${shard}`, subjects: [`others.${shard}`] });
  }
  t.notMatch(await publish('user.1', 'owed'), /error/);
  t.equal((await jsm.streams.info('INBOX_1')).state.messages, 1);
  const { deletedStreams, created } = await setUpStreams(nc, settings);
  t.same(deletedStreams.sort(), ['INBOX_0', 'INBOX_1']);
  t.same(created, []);
  const names = await jsm.streams.names().next();
  t.same(
    names.filter((name) => name.includes('INBOX')).sort(),
    ['OTHERS_INBOX_0', 'OTHERS_INBOX_1'],
    'another stream is left alone',
  );
  t.same((await setUpStreams(nc, settings)).deletedStreams, []);
});
