import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Device } from './known-queues.ts';
import { toMakeRoom } from './queue-depths.ts';

const deviceOf = (): Device => ({ userId: newId<UserId>(), deviceId: 'phone-1' });
const [alice, bina, chandra] = [deviceOf(), deviceOf(), deviceOf()];
const shardOf = (depths: [Device, number][], bytesMax: number) => {
  const messages = depths.reduce((sum, [, depth]) => sum + depth, 0);
  const subjects = Object.fromEntries(
    depths.map(([{ userId, deviceId }, depth]) => [`queue.0.${userId}.${deviceId}`, depth]),
  );
  return { messages, bytes: messages * 100, bytesMax, lastSeq: messages, subjects };
};

t.test('the deepest queues go until a tenth is free, and no other', async (t) => {
  const shard = shardOf(
    [
      [alice, 40],
      [bina, 3],
      [chandra, 60],
    ],
    10_300,
  );
  t.same(toMakeRoom(shard), [chandra]);
  t.same(toMakeRoom({ ...shard, bytesMax: 10_300 / 2 }), [chandra]);
  t.same(toMakeRoom({ ...shard, bytesMax: 10_300 / 4 }), [chandra, alice]);
  t.same(toMakeRoom({ ...shard, bytesMax: 1 }), [chandra, alice, bina]);
});

t.test('no queue goes from a shard with room, nor from one that holds nothing', async (t) => {
  t.same(toMakeRoom(shardOf([[alice, 90]], 10_000)), []);
  t.same(toMakeRoom(shardOf([], 1)), []);
});
