import t from 'tap';
import {
  type DeviceRecord,
  type Disturbance,
  keyOfMessage,
  type RoundRecord,
  type SessionRecord,
} from './record.ts';
import { orderBreaksOf, traceOf, wrongsOf } from './verdict.ts';

const CONVERSATION = 'c0c0-1';
const START = 1_000_000;

/** A session in which these messages came, one each ms, and were acknowledged. */
function session(seqs: number[], more: Partial<SessionRecord> = {}): SessionRecord {
  const openedAtMs = more.openedAtMs ?? START;
  const sights = seqs.map((seq, index) => ({
    ...{ key: keyOfMessage(`m${seq}`), q: index + 1, atMs: openedAtMs + index },
    ...{ conversation: CONVERSATION, seq },
  }));
  const qs = sights.map(({ q }) => q);
  return {
    ...{ edge: 1, openedAtMs, isResumed: false, acknowledgedQ: seqs.length, sights, qs },
    ...more,
  };
}

type Told = { atMs: number; coveredUntilMs: number };
type More = { told?: Told[]; disturbances?: Disturbance[]; sent?: number };

/** The round has one device and a conversation of three messages. */
function round(sessions: SessionRecord[], more: More = {}): RoundRecord {
  const told = [{ atMs: START - 1, coveredUntilMs: START - 1 }, ...(more.told ?? [])];
  const device: DeviceRecord = { name: 'ann/phone', sessions, told, trace: [] };
  const messages = [1, 2, 3].map((seq) => ({ seq, messageId: `m${seq}`, sentAtMs: START }));
  return {
    ...{ startedAtMs: START, devices: [device], disturbances: more.disturbances ?? [] },
    conversations: [{ id: CONVERSATION, messages, devices: [device] }],
  };
}

t.test('nothing is wrong where each message came once, in order', async (t) => {
  t.same(wrongsOf(round([session([1, 2, 3])])), []);
  const later = session([2, 3], { openedAtMs: START + 50 });
  t.same(wrongsOf(round([session([1, 2], { acknowledgedQ: 1 }), later])), [], 'over two sessions');
});

t.test('a message that did not come, or was not acknowledged, is missing', async (t) => {
  t.same(wrongsOf(round([session([1, 3])])), ['ann/phone lacks c0c0/2']);
  const unacknowledged = session([1, 2, 3], { acknowledgedQ: 2 });
  t.same(wrongsOf(round([unacknowledged])), ['ann/phone lacks c0c0/3']);
});

t.test(
  'a device that is told to begin anew lacks nothing, but is told for no reason',
  async (t) => {
    const first = { atMs: START + 5, coveredUntilMs: START + 9 };
    t.same(wrongsOf(round([session([1])], { told: [first] })), [], 'a new device is told');
    const again = { atMs: START + 20_005, coveredUntilMs: START + 20_009 };
    const told = [{ ...first, finishedAtMs: START + 9 }, again];
    const wrongs = ['ann/phone was told to begin anew at 20005'];
    t.same(wrongsOf(round([session([1])], { told })), wrongs);
  },
);

t.test('a number that is left out or comes twice is a gap', async (t) => {
  const [gap, twice] = [session([1, 2, 3], { qs: [1, 3] }), session([1, 2, 3], { qs: [1, 2, 2] })];
  t.same(wrongsOf(round([gap])), ['ann/phone session 0: q 3 follows 1']);
  t.same(wrongsOf(round([twice])), ['ann/phone session 0: q 2 follows 2']);
});

t.test('a message that comes again within a session is a repeat', async (t) => {
  const wrongs = wrongsOf(round([session([1, 2, 1, 3])]));
  t.same(wrongs, ['ann/phone session 0: message m1 comes with q 1 and again with q 3']);
});

t.test('a message behind newer ones needs a cause that came before', async (t) => {
  const late = [session([1, 3, 2])];
  t.same(wrongsOf(round(late)), ['ann/phone session 0: c0c0/2 comes behind 3 at 2']);
  const cut = (atMs: number): More => ({ disturbances: [{ kind: 'cut', atMs }] });
  t.equal(wrongsOf(round(late, cut(START + 3))).length, 1, 'the cause came after');
  t.equal(wrongsOf(round(late, cut(START - 50_000))).length, 1, 'the cause is over');
  t.same(wrongsOf(round(late, cut(START + 1))), []);
  t.match(orderBreaksOf(round(late, cut(START + 1))), [{ cause: 'cut' }]);
});

t.test('the trace tells what happened to the devices that are named', async (t) => {
  const told = round([session([1])], { disturbances: [{ kind: 'cut edge-1', atMs: START + 2 }] });
  told.devices[0]?.trace.push({ atMs: START + 1, text: 'becomes slow' });
  t.same(traceOf(told, ['ann/phone lacks']), ['1 ann/phone becomes slow', '2 cut edge-1']);
  t.same(traceOf(told, ['another lacks']), ['2 cut edge-1']);
});
