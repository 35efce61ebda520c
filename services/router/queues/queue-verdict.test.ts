import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { concernedBy, TOO_DEEP, tooDeep } from './queue-verdict.ts';
import { RecentPublishes } from './recent-publishes.ts';

const [alice, bina, chandra] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
const use = (deviceId: string, pending: number, unacked = 0) => ({
  deviceId,
  info: {
    created: new Date(0).toISOString(),
    delivered: { stream_seq: 0 },
    ack_floor: { stream_seq: 0 },
    num_pending: pending,
    num_ack_pending: unacked,
  },
});

t.test('queues at the limit are too deep, and unacknowledged messages count too', async (t) => {
  const queues = [use('a', TOO_DEEP), use('b', 3), use('c', TOO_DEEP - 256, 256)];
  t.same(tooDeep(queues), ['a', 'c']);
});

t.test('the deepest queue goes if no queue alone keeps the subject full', async (t) => {
  t.same(tooDeep([use('a', 10), use('b', 4_000), use('c', 20)]), ['b']);
  t.same(tooDeep([]), []);
});

t.test('a stream that kept its tail only makes its recent users suspect', async (t) => {
  const recent = [
    { userId: alice, seq: 10 },
    { userId: bina, seq: 0 },
  ];
  const concerned = concernedBy({ lastSeq: 10, acknowledged: 10, recent });
  t.same(concerned, { lost: [], suspect: [alice, bina] });
});

t.test('users whose event is gone are lost, and other recent users are suspect', async (t) => {
  const recent = [
    { userId: alice, seq: 8 },
    { userId: bina, seq: 9 },
    { userId: chandra, seq: 10 },
    { userId: chandra, seq: 7 },
  ];
  const concerned = concernedBy({ lastSeq: 8, acknowledged: 10, recent });
  t.same(concerned, { lost: [bina, chandra], suspect: [alice] });
});

t.test('a stream that lost more than the router remembers concerns all users', async (t) => {
  const recent = [{ userId: alice, seq: 90 }];
  t.equal(concernedBy({ lastSeq: 50, acknowledged: 90, recent }).lost, 'all');
});

t.test('the oldest publishes are overwritten, and late answers to them are ignored', async (t) => {
  const recent = new RecentPublishes(2);
  const first = recent.begin(alice, 1);
  recent.begin(bina, 2);
  const third = recent.begin(chandra, 1);
  recent.answered(first, 7);
  recent.answered(third, 9);
  t.same(recent.of(1), [{ userId: chandra, seq: 9 }]);
  t.same(recent.of(2), [{ userId: bina, seq: 0 }]);
});
