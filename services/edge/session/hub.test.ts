import t from 'tap';
import { CLOSE } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createEdgeMetrics } from '../edge-metrics.ts';
import { BUFFERED_BYTES_MAX, Hub } from './hub.ts';
import { Session } from './session.ts';

const KIB = 1024;
const MIB = KIB ** 2;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The readers of these sessions take nothing until the test sets `waiting` to 0. */
function rig(count: number) {
  const hub = new Hub(createEdgeMetrics(createMetrics('test', 'edge-1')), 4 * MIB);
  const readers = Array.from({ length: count }, () => {
    const session = new Session(0);
    Object.assign(session, { state: 'open', userId: newId<UserId>() });
    const reader = { session, waiting: 0, ended: undefined as number | 'cut' | undefined };
    const leave = (how: number | 'cut'): void => {
      reader.ended = how;
      session.state = 'closed';
      session.socket = undefined;
      hub.leave(session);
    };
    session.socket = {
      send(frame) {
        reader.waiting += frame.length;
        return 0;
      },
      getBufferedAmount: () => reader.waiting,
      end: (code) => leave(code),
      close: () => leave('cut'),
      cork: (write) => write(),
    };
    hub.join(session, session.userId as UserId);
    return reader;
  });
  const send = (index: number, bytes: number): void => {
    hub.send((readers[index] as (typeof readers)[number]).session, 'message', 'x'.repeat(bytes));
  };
  const ended = (): unknown[] => readers.map((reader) => reader.ended);
  return { hub, readers, send, ended };
}

t.test('a reader that lets more than 2 MiB wait is closed as too slow', async (t) => {
  const { send, ended } = rig(2);
  send(0, BUFFERED_BYTES_MAX);
  t.same(ended(), [undefined, undefined]);
  send(0, 1);
  t.same(ended(), [CLOSE.SLOW_READER, undefined]);
});

t.test('where all sockets together hold too much, the slowest readers are cut', async (t) => {
  const { hub, send, ended } = rig(6);
  for (let index = 0; index < 5; index += 1) send(index, KIB * (index === 3 ? 1_500 : 600));
  t.equal(hub.bufferedBytes, 3_900 * KIB);
  await nextTurn();
  t.same(ended(), Array(6).fill(undefined), 'there is room for all');
  send(5, 500 * KIB);
  t.same(ended(), Array(6).fill(undefined), 'nobody is cut while a frame is sent');
  await nextTurn();
  t.same(ended(), [...Array(3).fill(undefined), 'cut', undefined, undefined]);
  t.equal(hub.bufferedBytes, 2_900 * KIB, 'what waited in its socket counts no more');
});

t.test('readers that have caught up meanwhile are not cut', async (t) => {
  const { readers, hub, send, ended } = rig(6);
  for (let index = 0; index < 4; index += 1) send(index, MIB);
  for (const reader of readers) reader.waiting = 0;
  send(4, MIB);
  await nextTurn();
  t.same(ended(), Array(6).fill(undefined));
  t.equal(hub.bufferedBytes, MIB);
});

t.test('frames of one turn count too, and a burst cuts no more readers than it must', async (t) => {
  const { hub, readers, ended } = rig(8);
  for (const { session } of readers) {
    for (let part = 0; part < 4; part += 1) {
      hub.sendSoon(session, 'message', 'x'.repeat(MIB / 4));
    }
  }
  await nextTurn();
  await nextTurn();
  const cut = ended().filter((how) => how === 'cut').length;
  t.equal(cut, 5, '3.5 MiB are left at most');
  t.equal(hub.bufferedBytes, 3 * MIB);
});
