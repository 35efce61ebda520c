import t from 'tap';
import { type EventId, newId } from '../../../shared/ids.ts';
import { GONE, next, type StreamInput, type StreamState } from './stream-state.ts';

const START = 1_700_000_000_000;
const [one, two] = [newId<EventId>(), newId<EventId>()];

/** Plays inputs, each at its time after the start. */
function play(...steps: [number, StreamInput][]): StreamState {
  return steps.reduce((state, [afterMs, input]) => next(state, input, START + afterMs), GONE);
}
const opened = (isNew: boolean): [number, StreamInput] => [0, { kind: 'opened', isNew }];
const look = (afterMs: number, unacked = 0): [number, StreamInput] => [
  afterMs,
  { kind: 'looked', unacked, random: 0 },
];
const copied = (afterMs: number, eventId: EventId, isLast = true): [number, StreamInput] => [
  afterMs,
  { kind: 'copied', eventId, isLast, unacked: 1, random: 0 },
];
const refused = (afterMs: number, eventId: EventId): [number, StreamInput] => [
  afterMs,
  { kind: 'refused', eventId },
];

t.test('a stream is not live while something may come from its queue', async (t) => {
  const kinds = {
    'a new queue may have something for 1 s': play(opened(true), look(999)),
    'an old queue may send again for 12 s': play(opened(false), look(11_999)),
    'the client lags': play(opened(true), look(2_000, 128)),
    'the queue has more': play(opened(true), copied(10, one, false), look(60_000)),
    'a refused event has not come': play(opened(true), refused(5, one), look(60_000)),
    'the newest refused event has not come': play(
      ...[opened(true), refused(5, one), refused(6, two), copied(7, one), look(60_000)],
    ),
    'a disturbed stream may have missed something for 12 s': play(
      ...[opened(true), look(1_000), [2_000, { kind: 'disturbed' }] as [number, StreamInput]],
      look(13_999),
    ),
  };
  for (const [why, { kind }] of Object.entries(kinds)) t.equal(kind, 'fromQueue', why);
});

t.test(
  'a stream goes live once its queue is empty, and back when the queue has more',
  async (t) => {
    t.equal(play(opened(true), look(1_000)).kind, 'live');
    t.equal(play(opened(false), look(12_000)).kind, 'live');
    t.equal(play(opened(true), refused(5, one), copied(1_000, one)).kind, 'live');
    const live = [opened(true), look(1_000)];
    t.equal(play(...live, copied(1_001, one)).kind, 'live');
    t.equal(play(...live, copied(1_001, one, false)).kind, 'fromQueue');
    t.equal(play(...live, [1_001, { kind: 'offered', unacked: 127 }]).kind, 'live');
    t.equal(play(...live, [1_001, { kind: 'offered', unacked: 128 }]).kind, 'fromQueue');
    t.equal(play(...live, look(151_000)).kind, 'live');
    t.equal(play(...live, look(151_001)).kind, 'fromQueue');
  },
);

t.test('a stream that leaves or is gone stays so, whatever comes', async (t) => {
  const inputs = [look(90_000), copied(90_000, one, false), refused(90_000, two)];
  for (const [kind, last] of [
    ['leaving', 'ended'],
    ['gone', 'released'],
  ] as const) {
    const state = play(opened(true), look(1_000), [2_000, { kind: last }]);
    t.equal(state.kind, kind);
    for (const [afterMs, input] of inputs) t.equal(next(state, input, START + afterMs), state);
  }
  t.equal(play([0, { kind: 'disturbed' }]).kind, 'gone');
});
