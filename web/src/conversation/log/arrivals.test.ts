import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { arrivedAbove, lastSeqOf, listOf, sayArrivals } from './arrivals.ts';

const of = (senderName: string, count: number) =>
  Array.from({ length: count }, () => ({ senderName, text: 'Hello' }));

t.test('one message is read out, and a burst is summed up', async (t) => {
  t.equal(sayArrivals([]), '');
  t.equal(sayArrivals(of('Maya', 1)), 'Maya: Hello');
  t.equal(sayArrivals(of('Maya', 5)), '5 new messages from Maya');
  t.equal(sayArrivals([...of('Maya', 2), ...of('Ravi', 1)]), '3 new messages from Maya and Ravi');
});

t.test('a long message is cut, and not in the middle of a character', async (t) => {
  const said = sayArrivals([{ senderName: 'Maya', text: '🙂'.repeat(8_000) }]);
  t.equal(said, `Maya: ${'🙂'.repeat(200)} …`);
});

t.test('names are listed as one says them', async (t) => {
  t.equal(listOf([]), '');
  t.equal(listOf(['A', 'B', 'C']), 'A, B and C');
  t.equal(listOf(['A', 'B', 'C', 'D', 'E']), 'A, B and 3 others');
});

t.test('own, deleted, older and unsent messages are no arrivals', async (t) => {
  const message = (seq: number | undefined, sender_id: string, more = {}): ShownMessage => ({
    ...{ conversation_id: 'c', version: 1, message_type: 'text', reactions: [], sender_id },
    ...{ sent_at: '2026-11-21T10:00:00.000Z', content: 'Hi', ...(seq && { seq }) },
    ...more,
  });
  const messages = [
    ...[message(1, 'bob'), message(2, 'bob'), message(3, 'ann'), message(4, 'bob')],
    ...[message(5, 'bob', { deleted_at: '2026-11-21T10:00:01.000Z' }), message(undefined, 'ann')],
  ];
  t.same(
    arrivedAbove(messages, 1, 'ann').map(({ seq }) => seq),
    [2, 4],
  );
  t.equal(lastSeqOf(messages), 5);
  t.equal(lastSeqOf([]), 0);
});
