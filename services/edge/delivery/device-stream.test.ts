import { mock } from 'node:test';
import t from 'tap';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { DeviceStream } from './device-stream.ts';
import type { Resync } from './resync.ts';
import type { StreamParts } from './stream-parts.ts';

type Owner = { deviceId: string; isInUse: () => boolean };

let passedMs = 0;
t.beforeEach(() => void mock.method(performance, 'now', () => passedMs));
t.afterEach(() => mock.restoreAll());

/** A stream writes down what it does, in order. */
function rig() {
  const done: string[] = [];
  const reported: number[] = [];
  const bus = {
    connected: true,
    publish: (subject: string) => Boolean(done.push(`ack ${subject}`)),
  };
  const flushes: (() => void)[] = [];
  const parts: StreamParts<DeviceStream<Owner>, Owner> = {
    bus,
    subscriptions: {
      add: (subscription) => subscription,
      remove: ({ subject }) => void done.push(`remove ${subject}`),
      drain: ({ subject }) => {
        done.push(`UNSUB ${subject}`);
        return new Promise((resolve) => flushes.push(resolve));
      },
    },
    answers: {
      taken: (asker) => void done.push(`+ ${asker}`),
      toQueue: (asker, why) => void done.push(`- ${asker} ${why}`),
    },
    reports: { add: ([, , eventSeq]) => void reported.push(eventSeq) },
    lateTakes: { add: ([, , , eventId]) => void done.push(`late ${eventId}`) },
    metrics: { acks: { add: () => undefined } as never },
    device: { subjectOf: () => 'device', receive: () => undefined },
    queue: { subjectOf: () => 'queue', receive: () => undefined },
    offered: new Set(),
    putBack: async (ackSubjects) => void done.push(`NAK ${ackSubjects}`),
    leaving: () => void done.push('leaving'),
    show: (_, { q, body }) => void done.push(`send ${Buffer.from(body)} as ${q}`),
    close: () => void done.push('close'),
  };
  const owner = { deviceId: 'phone', isInUse: () => false };
  const stream = new DeviceStream(owner, newId<UserId>(), parts);
  return { stream, bus, flushes, reported, take: () => done.splice(0), ...movesOf(stream) };
}

/** Returns what routers, the queue and time do to the stream. Events are named by their ids. */
function movesOf(stream: DeviceStream<Owner>) {
  let seq = 0;
  const event = (name: string) => {
    const ids = { eventId: name as EventId, conversationId: 'c' as ConversationId };
    const header = { kind: 'message' as const, ...ids, seq: 1, senderId: undefined };
    return { header: { ...header, isNameless: false }, body: Buffer.from(name) };
  };
  return {
    offer: (name: string, after = 0, router = 'r1') =>
      stream.offer({ event: event(name), asker: `answers.${router}.${name}`, after }),
    copy: (name: string, changes: { isFirst?: boolean; pending?: number } = {}) => {
      seq += 1;
      const delivery = { isFirst: true, pending: 0, seq, storedAtMs: 0, ...changes };
      return stream.copy({ event: event(name), ackSubject: `${name}/${seq}`, delivery });
    },
    mark: (name: string) => {
      seq += 1;
      const delivery = { isFirst: true, pending: 0, seq, storedAtMs: 0 };
      return stream.marker({ markerId: name as EventId, ackSubject: `${name}/${seq}`, delivery });
    },
    endReplay: (resync: Resync) =>
      stream.endReplay(resync, { type: 'replay_end', isNameless: false, body: Buffer.from('end') }),
    acknowledge: (q: number) => {
      stream.acknowledge(q);
      stream.settle();
    },
    pass: (ms: number) => {
      passedMs += ms;
      stream.look(steadyMs());
    },
  };
}

/** Returns a rig whose stream takes offers. */
function live() {
  const all = rig();
  all.stream.open(true);
  all.pass(1_000);
  return all;
}

t.test(
  'a stream that does not take offers yet refuses them, and awaits their copies',
  async (t) => {
    const { stream, offer, copy, pass, take } = rig();
    stream.open(true);
    offer('a');
    offer('b', 0, 'r2');
    pass(3_999);
    t.notOk(stream.isLive);
    copy('a');
    t.notOk(stream.isLive, 'the event of the other router has not come');
    copy('b');
    t.ok(stream.isLive);
    offer('c');
    t.same(take(), [
      '- answers.r1.a queue',
      '- answers.r2.b queue',
      'send a as 1',
      'send b as 2',
      'send c as 3',
    ]);
  },
);

t.test('an offer behind an event that has not come is refused after all open ones', async (t) => {
  const { stream, offer, copy, take } = live();
  for (const name of ['a', 'b']) offer(name);
  offer('c', 1);
  t.same(take(), [
    'send a as 1',
    'send b as 2',
    '- answers.r1.a after',
    '- answers.r1.b after',
    '- answers.r1.c queue',
  ]);
  copy('x');
  copy('a');
  copy('b');
  t.notOk(stream.isLive);
  copy('c');
  t.ok(stream.isLive);
  t.same(take(), ['send x as 3', 'send c as 4']);
  offer('d', 4);
  t.same(take(), ['send d as 5'], 'what the router put into the queue has come');
});

t.test('a copy of what was sent is not sent again', async (t) => {
  const { offer, copy, acknowledge, take } = live();
  offer('a');
  t.equal(copy('a'), false);
  t.equal(copy('a', { isFirst: false }), false);
  take();
  acknowledge(1);
  t.same(take(), ['ack a/2', '+ answers.r1.a', 'late a'], 'the newest copy lends its subject');
  t.equal(copy('a', { isFirst: false }), false);
  t.same(take(), ['ack a/3'], 'it was told before');
});

t.test('what was taken came late if the queue has it too, and is told so once', async (t) => {
  const { offer, copy, acknowledge, take } = live();
  offer('a');
  acknowledge(1);
  t.same(take(), ['send a as 1', '+ answers.r1.a']);
  t.equal(copy('a'), false);
  t.same(take(), ['ack a/1', 'late a'], 'a router did not hear that it was taken');
  t.equal(copy('a', { isFirst: false }), false);
  t.same(take(), ['ack a/2']);
});

t.test('what was told late before its copy came is not told again', async (t) => {
  const { stream, offer, copy, acknowledge, take } = live();
  offer('a');
  stream.declineLate(steadyMs());
  acknowledge(1);
  t.same(take(), ['send a as 1', '- answers.r1.a late', 'late a']);
  t.equal(copy('a'), false);
  t.same(take(), ['ack a/1']);
});

t.test('a repeated offer is answered by what became of the event', async (t) => {
  const { stream, offer, copy, acknowledge, take } = live();
  offer('acknowledged');
  acknowledge(1);
  offer('open');
  copy('from the queue');
  take();
  offer('acknowledged', 0, 'r2');
  offer('open', 0, 'r2');
  offer('from the queue', 0, 'r2');
  t.same(take(), ['+ answers.r2.acknowledged', '- answers.r2.from the queue queue']);
  t.ok(stream.isLive);
  stream.declineLate(steadyMs());
  t.same(take(), ['- answers.r1.open late', '- answers.r2.open late']);
  offer('open', 0, 'r3');
  acknowledge(2);
  t.same(take(), ['- answers.r3.open queue', 'late open']);
});

t.test(
  'a refused event that was refused before stays refused once the stream is live',
  async (t) => {
    const { stream, offer, copy, pass, take } = rig();
    stream.open(true);
    offer('a');
    offer('b');
    copy('b');
    pass(1_000);
    t.ok(stream.isLive);
    take();
    offer('a', 0, 'r2');
    t.same(take(), ['- answers.r2.a queue']);
  },
);

t.test('a stream leaves its queue, the open offers and the device in this order', async (t) => {
  const { stream, offer, copy, flushes, take } = live();
  offer('a');
  copy('b');
  copy('c');
  offer('d', 0, 'r2');
  take();
  const ended = stream.end();
  t.same(take(), ['UNSUB queue', '- answers.r1.a ended', '- answers.r2.d ended']);
  copy('e');
  offer('f');
  t.same(take(), ['- answers.r1.f queue'], 'what comes now is neither sent nor taken');
  flushes.shift()?.();
  await new Promise(setImmediate);
  t.same(take(), ['NAK b/1,c/2,e/3', 'UNSUB device']);
  offer('g');
  t.same(take(), ['- answers.r1.g queue']);
  flushes.shift()?.();
  await ended;
  t.equal(stream.end(), ended);
  t.equal(copy('h'), false);
});

t.test('a stream that ends takes what its queue has begun to send, for 200 ms', async (t) => {
  const { stream, copy, pass, take } = rig();
  stream.open(false);
  copy('a', { pending: 2 });
  void stream.end();
  copy('b', { pending: 1 });
  pass(199);
  t.same(take(), ['send a as 1', 'leaving']);
  pass(1);
  t.same(take(), ['UNSUB queue']);
});

t.test('a stream that ends while NATS is away puts nothing back, and ends at once', async (t) => {
  const { stream, bus, offer, copy, take } = live();
  offer('a');
  copy('b');
  take();
  bus.connected = false;
  await stream.end();
  t.same(take(), ['remove queue', 'remove device']);
});

t.test('a stream that loses NATS while it ends lets go all the same', async (t) => {
  const { stream, bus, flushes, copy, pass, take } = rig();
  stream.open(false);
  copy('a', { pending: 2 });
  const ended = stream.end();
  bus.connected = false;
  pass(200);
  await ended;
  t.same(take(), ['send a as 1', 'leaving', 'remove queue', 'remove device']);
  t.same(flushes, []);
});

t.test('acknowledgements wait while NATS is away, and open offers are refused then', async (t) => {
  const { stream, bus, offer, copy, acknowledge, pass, take } = live();
  copy('a');
  offer('b');
  take();
  bus.connected = false;
  acknowledge(1);
  pass(2_000);
  t.same(take(), []);
  bus.connected = true;
  stream.reconnected();
  t.same(take(), ['ack a/1', 'late a', '- answers.r1.b reconnected']);
  t.notOk(stream.isLive);
});

t.test('an acknowledgement is late after 60 s, but not while NATS is away', async (t) => {
  const { stream, bus, offer } = live();
  const isLate = (afterMs: number) => stream.isAcknowledgementLate(steadyMs() + afterMs);
  t.equal(isLate(1e9), false, 'nothing was sent');
  offer('a');
  t.equal(isLate(60_000), false);
  t.equal(isLate(60_001), true);
  bus.connected = false;
  stream.acknowledge(1);
  stream.settle();
  t.equal(isLate(1e9), false);
});

t.test('a stop of the edge does not make an acknowledgement late', async (t) => {
  const { stream, offer } = live();
  offer('a');
  const sentAt = steadyMs();
  stream.excuse(sentAt + 90_000, 90_000);
  t.equal(stream.isAcknowledgementLate(sentAt + 90_001), false);
  t.equal(stream.isAcknowledgementLate(sentAt + 150_001), true);
});

t.test(
  'a stream whose queue is replaced goes on with q, and knows nothing of before',
  async (t) => {
    const { stream, offer, copy, acknowledge, pass, take } = live();
    copy('a');
    offer('b');
    stream.abandon();
    t.same(take(), [
      ...['send a as 1', 'send b as 2', '- answers.r1.b ended'],
      ...['remove queue', 'remove device'],
    ]);
    t.notOk(stream.isOpen);
    stream.open(true);
    t.equal(copy('b'), true);
    acknowledge(9);
    pass(1_000);
    t.ok(stream.isLive);
    t.same(take(), ['send b as 3', 'ack b/2', 'late b']);
  },
);

t.test('a client that acknowledges nothing is closed when no more fits', async (t) => {
  const { stream, copy, take } = rig();
  stream.open(false);
  for (let n = 1; n <= 2_048; n += 1) copy(`event ${n}`, { pending: 1 });
  take();
  t.equal(copy('one more', { pending: 1 }), true);
  t.same(take(), ['close']);
});

t.test('a queue that was found after all has no marker of its own to await', async (t) => {
  const { stream, mark, endReplay, acknowledge, take } = rig();
  stream.open(false);
  endReplay(stream.beginResync({ expectsMarker: false }));
  acknowledge(1);
  t.ok(mark('of a later queue'), 'the client is told of it');
  t.same(take(), ['send end as 1'], 'and has not acknowledged that');
});

t.test('the first marker of a queue that was made for the session begins nothing', async (t) => {
  const { stream, mark, endReplay, acknowledge, take } = rig();
  stream.open(true);
  endReplay(stream.beginResync({ expectsMarker: true }));
  acknowledge(1);
  t.equal(mark('own'), undefined);
  t.same(take(), ['send end as 1', 'ack own/1']);
  t.ok(mark('of a later queue'));
});

t.test('what a client acknowledged amid a resync is reported where no marker is due', async (t) => {
  const reportedBy = (expectsMarker: boolean) => {
    const { stream, copy, acknowledge, reported } = rig();
    stream.open(expectsMarker);
    const resync = stream.beginResync({ expectsMarker });
    resync.add('replayed' as ConversationId, 7);
    copy('a');
    acknowledge(1);
    t.same(reported, [], 'older messages may still be replayed');
    void stream.end();
    return reported;
  };
  t.same(reportedBy(false), [1], 'no other session replays');
  t.same(reportedBy(true), [], 'the marker makes the next session replay');
});
