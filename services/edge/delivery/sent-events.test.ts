import t from 'tap';
import { type EventId, newId } from '../../../shared/ids.ts';
import { type SentEvent, SentEvents, UNACKED_MAX } from './sent-events.ts';

function sent(q: number, changes: Partial<SentEvent> = {}): SentEvent {
  const header = { eventId: newId<EventId>() } as never;
  const event = { q, header, ackSubject: `a${q}`, askers: undefined };
  return { ...event, isAcknowledged: false, isToldLate: false, atMs: q, ...changes };
}

/** Returns events with the numbers 1 to `count`, all of which are added. */
function filled(count: number, changes: Partial<SentEvent> = {}) {
  const events = new SentEvents();
  const all = Array.from({ length: count }, (_, index) => sent(index + 1, changes));
  for (const event of all) events.add(event);
  const acknowledge = (q: number, nowMs = 0): number[] => {
    const taken: number[] = [];
    events.acknowledge(q, nowMs, (event) => taken.push(event.q));
    return taken;
  };
  return { events, all, acknowledge };
}

const qs = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

t.test('all events up to a q are acknowledged, oldest first, and each once', async (t) => {
  const { events, acknowledge } = filled(1_000);
  t.same(acknowledge(0), []);
  t.same(acknowledge(600), qs(1, 600));
  t.same(acknowledge(300), []);
  events.add(sent(1_001));
  t.equal(events.unacked, 401);
  t.same(acknowledge(2_000), qs(601, 1_001));
  t.equal(events.unacked, 0);
  t.same(acknowledge(2_000), []);
});

t.test('there is room for no more than the limit, and again once some are done', async (t) => {
  const { events, acknowledge } = filled(UNACKED_MAX);
  const one = sent(UNACKED_MAX + 1);
  t.equal(events.add(one), false);
  t.equal(events.find(one.header.eventId), undefined);
  t.equal(events.unacked, UNACKED_MAX);
  acknowledge(1);
  t.equal(events.add(one), true);
});

t.test('an event is known while it is unacknowledged, and for 60 s more', async (t) => {
  const { events, all, acknowledge } = filled(3);
  const isKnown = ({ header }: SentEvent): boolean => events.find(header.eventId) !== undefined;
  events.forget(1e9);
  t.same(all.map(isKnown), [true, true, true]);
  acknowledge(1, 1_000);
  acknowledge(2, 5_000);
  events.forget(60_999);
  t.same(all.map(isKnown), [true, true, true]);
  events.forget(61_000);
  t.same(all.map(isKnown), [false, true, true]);
  events.forget(1e9);
  t.same(all.map(isKnown), [false, false, true]);
  t.notOk(events.isEmpty);
  acknowledge(3, 0);
  events.forget(1e9);
  t.ok(events.isEmpty);
});

t.test('the last 256 acknowledged events are known, whatever is unacknowledged', async (t) => {
  const { events, all, acknowledge } = filled(1_000);
  acknowledge(500);
  acknowledge(700);
  const known = all.filter(({ header }) => events.find(header.eventId) !== undefined);
  t.same(
    known.map(({ q }) => q),
    qs(445, 1_000),
  );
});

t.test('open events are closed once, oldest first, with the routers that wait', async (t) => {
  const { events } = filled(2);
  const open = [3, 4].map((q) => sent(q, { askers: [`r${q}`], ackSubject: undefined }));
  for (const event of open) events.add(event);
  for (let n = 1; n <= 9; n += 1) events.addAsker(open[1] as SentEvent, `s${n}`);
  t.equal(events.oldestOpenAtMs, 3);
  const closed: unknown[] = [];
  const close = ({ q }: SentEvent, askers: readonly string[]) => closed.push([q, askers]);
  events.closeOpen(close);
  events.closeOpen(close);
  t.same(closed, [
    [3, ['r3']],
    [4, ['r4', 's1', 's2', 's3', 's4', 's5', 's6', 's7']],
  ]);
  t.equal(events.oldestOpenAtMs, undefined);
  events.addAsker(open[1] as SentEvent, 'late');
  events.closeOpen(close);
  t.equal(closed.length, 2);
});

t.test('an acknowledged event hands out the routers that wait, and is open no more', async (t) => {
  const events = new SentEvents();
  events.add(sent(1, { askers: ['r'] }));
  events.add(sent(2));
  events.add(sent(3, { askers: ['r'] }));
  const taken: unknown[] = [];
  events.acknowledge(2, 7, ({ q, atMs }, askers) => taken.push([q, atMs, askers]));
  t.same(taken, [
    [1, 7, ['r']],
    [2, 7, undefined],
  ]);
  t.equal(events.oldestOpenAtMs, 3);
  events.acknowledge(3, 7, () => undefined);
  t.equal(events.oldestOpenAtMs, undefined);
});

t.test('only what the queue sent and nobody acknowledged is put back, in order', async (t) => {
  const { events, acknowledge } = filled(4);
  events.add(sent(5, { ackSubject: undefined, askers: ['r'] }));
  events.add(sent(6));
  acknowledge(2);
  t.same(events.ackSubjects(), ['a3', 'a4', 'a6']);
});
