import t from 'tap';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { KnownQueues } from './known-queues.ts';

const device = (deviceId = 'a') => ({ userId: newId<UserId>(), deviceId });
const nameOf = ({ userId, deviceId }: ReturnType<typeof device>) => queueName(userId, deviceId);

t.test('a queue is known from when it is added until it is removed', async (t) => {
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

t.test('a device counts while its queue is being made, but the queue does not', async (t) => {
  const known = new KnownQueues(4);
  const one = device();
  known.expect(one);
  t.notOk(known.has(one));
  t.same(known.devicesOf(one.userId), ['a']);
  known.add(one);
  t.ok(known.has(one));
  known.expect(one);
  t.notOk(known.has(one), 'it is being made anew');
  t.equal(known.size, 1);
});

t.test('the end of a queue does not concern one that was announced since', async (t) => {
  const known = new KnownQueues(4);
  const one = device();
  known.add(one);
  known.doubt(one);
  t.ok(known.isDoubted(one));
  t.same(known.devicesOf(one.userId), ['a'], 'events go to it until its end is sure');
  known.expect(one);
  t.notOk(known.isDoubted(one));
  known.doubt(one);
  t.notOk(known.isDoubted(one), 'the one that is being made is not the one that was deleted');
});

t.test('the names of a shard tell which queues are unheard of, and which missing', async (t) => {
  const known = new KnownQueues(1);
  const [kept, missed, gone, unheard] = [device(), device(), device(), device('x-1')];
  const expected = device();
  for (const one of [kept, missed, gone]) known.add(one);
  known.expect(expected);
  known.beginRead(0);
  const names = new Set([nameOf(kept), nameOf(unheard)]);
  t.same(known.missing(0, names), [missed, gone], 'an expected queue has until the next read');
  t.same(known.missing(0, names), [missed, gone, expected]);
  const { appeared, vanished } = known.endRead(0, names, [gone, expected]);
  t.same({ appeared, vanished }, { appeared: [unheard], vanished: [gone] });
  t.ok(known.has(kept) && known.has(missed) && known.has(unheard));
  t.notOk(known.has(gone));
  t.same(known.devicesOf(expected.userId), []);
});

t.test('a change while the names are read wins over the names', async (t) => {
  const known = new KnownQueues(1);
  const [made, deleted, back] = [device(), device(), device()];
  known.add(deleted);
  known.add(back);
  known.beginRead(0);
  known.add(made);
  known.remove(deleted);
  const names = new Set([nameOf(deleted)]);
  t.same(known.missing(0, names), [back]);
  known.add(back);
  t.same(known.endRead(0, names, [back]), { appeared: [], vanished: [] });
  t.ok(known.has(made) && known.has(back));
  t.notOk(known.has(deleted));
});

t.test('the device of a deleted queue counts until the queue is known to be gone', async (t) => {
  const known = new KnownQueues(1);
  const one = device();
  known.add(one);
  known.doubt(one);
  t.notOk(known.has(one));
  t.same(known.devicesOf(one.userId), ['a']);
  t.ok(known.isDoubted(one));
  known.beginRead(0);
  t.same(known.endRead(0, new Set(), known.missing(0, new Set())).vanished, [one]);
  known.add(one);
  known.doubt(one);
  known.expect(one);
  t.notOk(known.isDoubted(one), 'its queue is being made anew');
});

t.test('a consumer that is no device queue is not taken for one', async (t) => {
  const known = new KnownQueues(1);
  known.beginRead(0);
  known.endRead(0, new Set(['store']), []);
  t.equal(known.size, 0);
});
