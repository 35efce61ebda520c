import t from 'tap';
import type { EventId } from '../../../shared/ids.ts';
import { GONE, next, type StreamInput, type StreamState } from './stream-state.ts';

const START = 1_700_000_000_000;
const [one, two] = ['event 1', 'event 2'] as unknown as [EventId, EventId];

type Step = [number, StreamInput];
type Copied = Extract<StreamInput, { kind: 'copied' }>;

/** Plays inputs, each at its time after the start. */
function play(...steps: Step[]): StreamState {
  return steps.reduce((state, [afterMs, input]) => next(state, input, START + afterMs), GONE);
}
const opened = (isNew: boolean): Step => [0, { kind: 'opened', isNew }];
const look = (afterMs: number, unacked = 0, isLate = false): Step => [
  afterMs,
  { kind: 'looked', unacked, isLate },
];
const copied = (afterMs: number, eventId: EventId, changes: Partial<Copied> = {}): Step => {
  const first = { isFirst: true, pending: 0, isRefused: false, unacked: 1 };
  return [afterMs, { kind: 'copied', eventId, ...first, ...changes }];
};
const offered = (afterMs: number, { after = 0, highest = 0, unacked = 0 }): Step => [
  afterMs,
  { kind: 'offered', after, highest, unacked },
];
const refused = (afterMs: number, eventId: EventId, router = 'router-1'): Step => [
  afterMs,
  { kind: 'refused', router, eventId },
];
const ended = (afterMs: number, unacked = 0): Step => [afterMs, { kind: 'ended', unacked }];
const reconnected = (afterMs: number): Step => [afterMs, { kind: 'reconnected' }];

const live = [opened(true), look(1_000)];
const isRefused = true;

t.test('a stream is not live while an older event can come from its queue', async (t) => {
  const states = {
    'an offer from before may be on its way to an old queue for 4 s': play(
      ...[opened(false), look(3_999)],
    ),
    'what came before to a new queue may be on its way for 1 s': play(opened(true), look(999)),
    'the client has 64 events to acknowledge': play(opened(true), look(9_000, 64)),
    'the queue has more': play(opened(true), copied(10, one, { pending: 1 }), look(1_009)),
    'the queue repeats, and may repeat more': play(
      ...[opened(true), copied(500, one, { isFirst: false }), look(1_499)],
    ),
    'a refused event has not come': play(opened(true), refused(5, one), look(4_004)),
    'the newest refused event has not come': play(
      ...[opened(true), refused(5, one), refused(6, two), copied(7, one, { isRefused })],
      look(4_005),
    ),
    'the newest refused event of another router has not come': play(
      ...[opened(true), refused(5, one), refused(6, two, 'router-2')],
      ...[copied(7, two, { isRefused }), look(4_004)],
    ),
    'a refused event has come, but within the first second': play(
      ...[opened(false), refused(5, one), copied(999, one, { isRefused })],
    ),
    'NATS reconnected, and the queue may have something for 1 s': play(
      ...[...live, reconnected(2_000), look(2_999)],
    ),
  };
  for (const [why, { kind }] of Object.entries(states)) t.equal(kind, 'fromQueue', why);
});

t.test('a stream goes live as soon as nothing older can come', async (t) => {
  const states = {
    'a new queue was silent': play(opened(true), look(1_000, 63)),
    'an old queue was silent': play(opened(false), look(4_000)),
    'the queue said that it has no more': play(opened(true), copied(1_000, one)),
    'a repeating queue fell silent': play(
      ...[opened(true), copied(500, one, { isFirst: false }), look(1_500)],
    ),
    'a refused event has come from an old queue': play(
      ...[opened(false), refused(5, one), copied(1_000, one, { isRefused })],
    ),
    'the refused events of all routers have come': play(
      ...[opened(true), refused(5, one), refused(6, two, 'router-2')],
      ...[copied(7, two, { isRefused }), copied(8, one, { isRefused }), look(1_000)],
    ),
    'the client has acknowledged': play(opened(true), look(9_000, 64), look(9_001, 63)),
    'the queue was silent after the reconnect': play(...live, reconnected(2_000), look(3_000)),
    'the queue was drained after the reconnect': play(
      ...[...live, reconnected(2_000), copied(2_001, one)],
    ),
  };
  for (const [why, { kind }] of Object.entries(states)) t.equal(kind, 'live', why);
});

t.test('a stream waits 4 s for an event whose router may be dead', async (t) => {
  const waiting = [opened(true), refused(5, one), refused(1_000, two, 'router-2')];
  t.equal(play(...waiting, look(4_999)).kind, 'fromQueue');
  t.equal(play(...waiting, look(5_000)).kind, 'live');
  const repeated = [...waiting, refused(3_000, one)];
  t.equal(play(...repeated, look(6_999)).kind, 'fromQueue', 'a router that offers again is alive');
  t.equal(play(...repeated, look(7_000)).kind, 'live');
  const back = [...live, offered(9_000, { after: 8 }), refused(9_000, one)];
  t.equal(play(...back, look(13_000)).kind, 'live', 'also where the stream was live before');
});

t.test('a live stream goes back to its queue for these reasons, and no others', async (t) => {
  const reasons = {
    'an event of the same router is on its way': [offered(2_000, { after: 8, highest: 7 })],
    'the queue has more': [copied(2_000, one, { pending: 1 })],
    'the client lags': [offered(2_000, { unacked: 128 })],
    'the client lags, and nobody offers': [look(2_000, 128)],
    'the client did not acknowledge an offer in time': [look(2_000, 1, true)],
    'NATS reconnected': [reconnected(2_000)],
  };
  for (const [why, steps] of Object.entries(reasons)) {
    t.equal(play(...live, ...steps).kind, 'fromQueue', why);
  }
  const others = {
    'what the router put into the queue has come': [offered(2_000, { after: 7, highest: 7 })],
    'the client is slow': [offered(2_000, { unacked: 127 }), look(2_000, 127)],
    'the queue had one late event': [copied(2_000, one), look(2_001)],
    'the queue repeats one event': [copied(2_000, one, { isFirst: false }), look(2_001)],
    'nothing happens for a day': [look(86_400_000)],
  };
  for (const [why, steps] of Object.entries(others))
    t.equal(play(...live, ...steps).kind, 'live', why);
});

t.test('a stream that went back is live at once when what it refused has come', async (t) => {
  const back = [...live, offered(2_000, { unacked: 128 }), refused(2_000, one)];
  t.equal(play(...back, look(5_999)).kind, 'fromQueue');
  t.equal(play(...back, copied(2_001, one, { isRefused, unacked: 64 })).kind, 'fromQueue');
  t.equal(play(...back, copied(2_001, one, { isRefused, unacked: 63 })).kind, 'live');
});

t.test('a stream that ends takes what its queue has begun to send, for 200 ms', async (t) => {
  const isBound = (...steps: Step[]): unknown => {
    const state = play(opened(false), ...steps);
    return state.kind === 'leaving' ? state.isBound : state.kind;
  };
  const sending = [copied(10, one, { pending: 5 }), ended(20)];
  t.equal(isBound(ended(20)), true, 'the queue may be about to send');
  t.equal(isBound(...sending), true);
  t.equal(isBound(...sending, look(219)), true);
  t.equal(isBound(...sending, copied(30, two, { pending: 4 })), true);
  t.equal(isBound(...sending, copied(30, two, { isFirst: false })), true, 'more may come again');
  t.equal(isBound(...sending, refused(21, two), reconnected(22), offered(23, {})), true);
  t.equal(isBound(...sending, copied(30, two)), false);
  t.equal(isBound(...sending, copied(30, two, { pending: 9, unacked: 256 })), false);
  t.equal(isBound(...sending, look(220)), false);
  t.equal(isBound(copied(10, one), ended(20)), false, 'the queue has said that it has no more');
  t.equal(isBound(ended(1_000)), false, 'the queue is silent');
  t.equal(isBound(copied(10, one, { pending: 9 }), ended(20, 256)), false);
  t.equal(isBound(look(4_000), ended(4_001)), false, 'the stream was live');
});

t.test('a stream that has let go of its queue stays so, whatever comes', async (t) => {
  const inputs = [look(90_000), copied(90_000, one, { pending: 3 }), refused(90_000, two)];
  inputs.push(offered(90_000, { after: 9 }), reconnected(90_000), opened(true), ended(90_000));
  const left = play(...live, ended(2_000));
  for (const [afterMs, input] of inputs) t.equal(next(left, input, START + afterMs), left);
  t.equal(play(...live, ended(2_000), [2_001, { kind: 'released' }]), GONE);
  for (const [afterMs, input] of inputs) {
    if (input.kind !== 'opened') t.equal(next(GONE, input, START + afterMs), GONE);
  }
});

t.test('a stream whose queue is replaced begins as at first', async (t) => {
  const again: Step[] = [
    ...live,
    [2_000, { kind: 'released' }],
    [3_000, { kind: 'opened', isNew: true }],
  ];
  t.equal(play(...again, look(3_999)).kind, 'fromQueue');
  t.equal(play(...again, look(4_000)).kind, 'live');
});
