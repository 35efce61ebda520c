import t from 'tap';
import { newId, type UserId } from '../../shared/ids.ts';
import { durableName } from '../../shared/subjects.ts';
import { KnownQueues } from './known-queues.ts';

const device = (deviceId = 'a') => ({ userId: newId<UserId>(), deviceId });
const nameOf = ({ userId, deviceId }: ReturnType<typeof device>) => durableName(userId, deviceId);

t.test('knows what it was told, until it is told otherwise', async (t) => {
  const known = new KnownQueues(4);
  const one = device();
  known.add(one);
  known.add(one);
  known.add({ ...one, deviceId: 'b' });
  t.ok(known.has(one));
  t.same(known.devicesOf(one.userId), ['a', 'b']);
  t.equal(known.size, 2);
  known.remove(one);
  known.remove(one);
  t.notOk(known.has(one));
  t.equal(known.size, 1);
});

t.test('the names of a shard add what was unheard and tell what has vanished', async (t) => {
  const known = new KnownQueues(1);
  const [kept, vanished, unheard] = [device(), device(), device('x-1')];
  known.add(kept);
  known.add(vanished);
  known.beginRead(0);
  t.same(known.endRead(0, new Set([nameOf(kept), nameOf(unheard)])), [vanished]);
  t.ok(known.has(kept) && known.has(unheard));
  t.notOk(known.has(vanished));
});

t.test('what changes while the names are read wins over the names', async (t) => {
  const known = new KnownQueues(1);
  const [made, deleted] = [device(), device()];
  known.add(deleted);
  known.beginRead(0);
  known.add(made);
  known.remove(deleted);
  t.same(known.endRead(0, new Set([nameOf(deleted)])), []);
  t.ok(known.has(made));
  t.notOk(known.has(deleted));
});

t.test('names that could not be read change nothing', async (t) => {
  const known = new KnownQueues(1);
  const one = device();
  known.add(one);
  known.beginRead(0);
  t.same(known.endRead(0, undefined), []);
  t.ok(known.has(one));
});

t.test('a durable that is not a device is not taken for one', async (t) => {
  const known = new KnownQueues(1);
  known.beginRead(0);
  known.endRead(0, new Set(['store']));
  t.equal(known.size, 0);
});
