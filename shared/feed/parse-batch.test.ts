import t from 'tap';
import { parseBatch } from './parse-batch.ts';
import { feedBatch, feedEvent } from './stage/feed-batches.ts';

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

t.test('a batch is read, also with events of a kind that nobody here knows', async (t) => {
  const event = { ...feedEvent(), kind: 'unheard of', change: 'so', news: 1 };
  const batch = { ...feedBatch([feedEvent()]), events: [feedEvent(), event] };
  t.same(parseBatch(bytesOf(batch)), batch);
  t.same(parseBatch(bytesOf(feedBatch([]))).events, []);
});

t.test('a batch of another shape is refused', async (t) => {
  const [batch, event] = [feedBatch([]), feedEvent()];
  const { event_id: _, ...nameless } = event;
  const events = [
    ...[null, 5, 'event', [], nameless, { ...event, at: 5 }, { ...event, recipients: {} }],
    ...[[null], ['user'], [{ user_id: 5 }]].map((recipients) => ({ ...event, recipients })),
  ];
  const shapes = [
    ...[null, 5, 'batch', [], {}, { events: [] }],
    ...[{ ...batch, events: {} }, { owed_from: batch.owed_from }],
    ...[5, 'yesterday', '2026-01-02', '', null].map((time) => ({ ...batch, owed_from: time })),
    ...events.map((one) => ({ ...batch, events: [event, one] })),
  ];
  for (const shape of shapes) {
    t.throws(() => parseBatch(bytesOf(shape)), /shape/);
  }
  t.throws(() => parseBatch(Buffer.from('{')));
});
