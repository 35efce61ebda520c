import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { covers, Heights, indexAt, indexOfSeq, spanAbove } from './log-window.ts';

const messages = Array.from({ length: 10_000 }, (_, index): ShownMessage => {
  const [seq, sender_id] = [index + 1, 'bob'];
  const fixed = { conversation_id: 'c', version: 1, message_type: 'text' as const, reactions: [] };
  return { ...fixed, message_id: `m${seq}`, seq, sender_id, sent_at: '2026-11-21T10:00:00.000Z' };
});
const viewportPx = 640;

t.test('the end of the log mounts what one sees and thirty rows above', async (t) => {
  const span = spanAbove(messages, new Heights(), { lowest: 9_999, viewportPx });
  t.same(span, { first: 9_960, end: 10_000 });
});

t.test('rows are found by the heights that they were measured with', async (t) => {
  const heights = new Heights();
  for (const message of messages.slice(-100)) heights.set(message, 100);
  t.equal(indexAt(messages, heights, 0), 9_999);
  t.equal(indexAt(messages, heights, 4_950), 9_950);
  t.equal(indexAt(messages, heights, 1e9), 0);
  const span = spanAbove(messages, heights, { lowest: 9_950, viewportPx: 1_000 });
  t.same(span, { first: 9_941 - 30, end: 9_951 + 30 });
  t.equal(heights.sum(messages, { first: 9_950, end: 10_000 }), 5_000);
  t.equal(heights.sum(messages, { first: 0, end: 10 }), 1_000, 'others are like them');
  heights.set(messages.at(-1) as ShownMessage, 200);
  t.equal(heights.sum(messages, { first: 9_950, end: 10_000 }), 5_100);
  heights.clear();
  t.notOk(heights.has(messages.at(-1) as ShownMessage));
  t.equal(heights.sum(messages, { first: 0, end: 10 }), 640, 'a guess is left');
});

t.test('no place mounts more than 150 rows, not even of the lowest rows', async (t) => {
  const heights = new Heights();
  for (const message of messages) heights.set(message, 1);
  for (const lowest of [0, 89, 5_000, 9_999, 20_000]) {
    const { first, end } = spanAbove(messages, heights, { lowest, viewportPx: 4_000 });
    t.ok(end - first <= 150 && first >= 0 && end <= 10_000, `${lowest}: ${first} to ${end}`);
  }
});

t.test('a log of one message and an empty log have spans too', async (t) => {
  const at = { lowest: 0, viewportPx };
  t.same(spanAbove([], new Heights(), { lowest: -1, viewportPx }), { first: 0, end: 0 });
  t.same(spanAbove(messages.slice(0, 1), new Heights(), at), { first: 0, end: 1 });
  t.equal(indexAt([], new Heights(), 0), 0);
});

t.test('a message is found by its seq, also where one is missing', async (t) => {
  const { seq: _seq, ...echo } = messages[0] as ShownMessage;
  const some = [...messages.slice(0, 5), ...messages.slice(7, 9), echo];
  t.same(
    [1, 5, 6, 9, 10].map((seq) => indexOfSeq(some, seq)),
    [0, 4, 5, 6, 7],
  );
});

t.test('rows are mounted anew only when one comes near to the ends of the span', async (t) => {
  const mounted = { first: 100, end: 200 };
  t.ok(covers(mounted, { first: 90, end: 190 }, 10_000));
  t.notOk(covers(mounted, { first: 80, end: 180 }, 10_000));
  t.notOk(covers(mounted, { first: 120, end: 220 }, 10_000));
  t.notOk(covers(mounted, { first: 120, end: 201 }, 201), 'the newest message is always mounted');
  t.notOk(covers({ first: 1, end: 100 }, { first: 0, end: 99 }, 100), 'and the oldest one');
});
