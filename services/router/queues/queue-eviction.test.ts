import t from 'tap';
import { longestUnused } from './queue-eviction.ts';

const at = (minute: number) => new Date(minute * 60_000).toISOString();
const use = (deviceId: string, created: number, rest = {}) => ({
  deviceId,
  isHeld: false,
  info: {
    created: at(created),
    delivered: { stream_seq: 0 },
    ack_floor: { stream_seq: 0 },
    num_pending: 0,
    num_ack_pending: 0,
    ...rest,
  },
});

t.test('the longest unused queue goes, by its last delivery or else its creation', async (t) => {
  const old = use('old', 1, { delivered: { stream_seq: 5, last_active: at(90) } });
  t.equal(longestUnused([old, use('newer', 10), use('newest', 20)]), 'newer');
});

t.test('the queue of a connected device stays, however old it is', async (t) => {
  t.equal(longestUnused([{ ...use('on', 1), isHeld: true }, use('off', 9)]), 'off');
});

t.test('no queue goes if all devices are connected', async (t) => {
  t.equal(longestUnused([{ ...use('on', 1), isHeld: true }]), undefined);
});
