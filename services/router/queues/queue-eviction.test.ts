import t from 'tap';
import { longestUnused } from './queue-eviction.ts';

const at = (minute: number) => new Date(minute * 60_000).toISOString();
const use = (deviceId: string, created: number, rest = {}) => ({
  deviceId,
  isHeld: false,
  info: {
    created: at(created),
    delivered: { stream_seq: 0 },
    ack_floor: { consumer_seq: 0, stream_seq: 0 },
    num_pending: 0,
    num_ack_pending: 0,
    ...rest,
  },
});
const seen = (minutes: Record<string, number>) =>
  new Map(Object.entries(minutes).map(([deviceId, minute]) => [deviceId, at(minute)]));

t.test('the device that was there last the longest time ago goes', async (t) => {
  const queues = [use('phone', 1), use('laptop', 2), use('tablet', 3)];
  t.equal(longestUnused(queues, seen({ phone: 90, laptop: 10, tablet: 50 })), 'laptop');
});

t.test('a device that is used every day stays, although its queue has no traffic', async (t) => {
  const busy = use('tablet', 10, { delivered: { stream_seq: 5, last_active: at(40) } });
  t.equal(longestUnused([use('phone', 1), busy], seen({ phone: 90, tablet: 40 })), 'tablet');
});

t.test('a device of which store knows nothing counts by its queue', async (t) => {
  const known = seen({ known: 50 });
  t.equal(longestUnused([use('known', 1), use('new', 60)], known), 'known');
  t.equal(longestUnused([use('known', 1), use('old', 40)], known), 'old');
  const fed = use('fed', 2, { delivered: { stream_seq: 5, last_active: at(60) } });
  t.equal(longestUnused([use('known', 1), fed], known), 'known', 'a delivery went to a session');
});

t.test('a queue that is newer than the last report of its device was made for it', async (t) => {
  const queues = [use('back again', 70), use('other', 1)];
  t.equal(longestUnused(queues, seen({ 'back again': 5, other: 60 })), 'other');
});

t.test('the queue of a connected device stays, however old it is', async (t) => {
  const queues = [{ ...use('on', 1), isHeld: true }, use('off', 9)];
  t.equal(longestUnused(queues, seen({ off: 90 })), 'off');
});

t.test('no queue goes if all devices are connected', async (t) => {
  t.equal(longestUnused([{ ...use('on', 1), isHeld: true }], seen({})), undefined);
});
