import t from 'tap';
import { TOO_DEEP, tooDeep } from './queue-verdict.ts';

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
