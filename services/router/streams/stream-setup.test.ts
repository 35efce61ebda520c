import t from 'tap';
import { startNats } from '../../../dev/testing/test-servers.ts';
import { connectNats } from '../../../shared/nats/nats-connection.ts';
import { setUpStreams } from './stream-setup.ts';

const nats = await startNats();
const nkeySeed = nats.seeds.setup as string;
const nc = await connectNats({ url: nats.url, nkeySeed, natsUser: 'setup', instance: 'setup' });
const jsm = await nc.jetstreamManager();
t.teardown(async () => {
  await nc.close();
  await nats.stop();
});

const settings = { shards: 3, replicas: 1, queueBytesMax: 64 * 1024 * 1024 };

t.test('a set-up makes every stream and consumer, and is safe to repeat', async (t) => {
  const first = await setUpStreams(nc, settings);
  t.same(first.created, ['INBOX_0', 'INBOX_1', 'INBOX_2', 'RECEIPTS', 'KAHA_EVENTS']);
  const second = await setUpStreams(nc, settings);
  t.same(second, { created: [], updated: first.created });
  const shard = (await jsm.streams.info('INBOX_1')).config;
  t.match(shard, {
    subjects: ['inbox.1.*'],
    retention: 'interest',
    discard: 'new',
    num_replicas: 1,
    max_msgs_per_subject: 10_000,
    max_consumers: 4_096,
    duplicate_window: 30_000_000_000,
  });
  t.ok(shard.max_bytes > 0);
  t.match((await jsm.streams.info('RECEIPTS')).config, { retention: 'workqueue' });
  t.equal((await jsm.consumers.info('RECEIPTS', 'store')).config.ack_policy, 'explicit');
  t.equal((await jsm.consumers.info('KAHA_EVENTS', 'profiles')).config.deliver_subject, undefined);
});

t.test('a set-up goes on where an earlier one stopped', async (t) => {
  await jsm.streams.delete('INBOX_2');
  t.same((await setUpStreams(nc, settings)).created, ['INBOX_2']);
});

t.test('a set-up refuses another number of shards, more or fewer', async (t) => {
  await t.rejects(setUpStreams(nc, { ...settings, shards: 4 }), { name: 'ShardsChangedError' });
  await t.rejects(setUpStreams(nc, { ...settings, shards: 2 }), { name: 'ShardsChangedError' });
  t.equal((await jsm.streams.info('INBOX_1')).config.description, 'inbox shard 1 of 3');
});

t.test('a full queue refuses new messages instead of dropping the oldest', async (t) => {
  await jsm.streams.update('INBOX_0', { max_msgs_per_subject: 3 });
  const queue = {
    durable_name: 'a',
    deliver_subject: 'deliver.u.d',
    filter_subject: 'inbox.0.u',
  };
  await jsm.consumers.add('INBOX_0', { ...queue, ack_policy: 'explicit' as never });
  const router = await connectNats({
    url: nats.url,
    nkeySeed: nats.seeds.router as string,
    natsUser: 'router',
    instance: 'router-1',
  });
  const publish = async () => (await router.request('inbox.0.u', 'x')).string();
  for (let index = 0; index < 3; index += 1) t.notMatch(await publish(), /error/);
  t.match(await publish(), /"err_code":10077,"description":"maximum messages per subject/);
  await router.close();
});
