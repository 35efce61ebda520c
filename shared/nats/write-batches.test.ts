import t from 'tap';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import { connectNats } from './nats-connection.ts';
import { batchWrites } from './write-batches.ts';

const nats = await startNats();
t.teardown(() => nats.stop());

const connect = () =>
  connectNats({
    ...{ url: nats.url, nkeySeed: nats.seeds['edge-1'] as string },
    ...{ natsUser: 'edge-1', instance: 'edge-1' },
  });

t.test('a fill that throws takes nothing from the others, nor from what follows', async (t) => {
  const [nc, listener] = await Promise.all([connect(), connect()]);
  const heard: string[] = [];
  listener.subscribe('user.fills', { callback: (_, msg) => void heard.push(msg.string()) });
  await listener.flush();
  const writes = batchWrites(nc, () => 0);
  const say = (text: string) => nc.publish('user.fills', text);
  say('before');
  writes.beforeNext(() => {
    throw new Error('a broken fill');
  });
  writes.beforeNext(() => say('beside'));
  t.throws(() => writes.now(), /a broken fill/);
  say('after');
  writes.beforeNext(() => say('gathered after'));
  await until('all else is heard', () => heard.length >= 4);
  t.same(heard, ['before', 'beside', 'after', 'gathered after']);
  await Promise.all([nc.close(), listener.close()]);
});
