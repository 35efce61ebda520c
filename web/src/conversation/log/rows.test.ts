import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { countNewer, dayOf, firstNewSeq, keyOf, rowsOf } from './rows.ts';

const ANN = 'ann';
const BOB = 'bob';

/** The days and minutes are those of the machine, because people see their own time. */
function message(seq: number, sender_id: string, at: [day: number, hour: number, minute: number]) {
  const [day, hour, minute] = at;
  const shown: ShownMessage = {
    ...{ conversation_id: 'c', message_id: `m${seq}`, seq, sender_id, version: 1 },
    ...{ message_type: 'text', content: 'Hi', reactions: [] },
    sent_at: new Date(2026, 10, day, hour, minute).toISOString(),
  };
  return shown;
}

const all = (messages: readonly ShownMessage[], newSeq?: number) =>
  rowsOf({ messages, first: 0, end: messages.length, newSeq });

t.test('messages of one sender within five minutes are a run', async (t) => {
  const rows = all([
    message(1, BOB, [21, 9, 0]),
    message(2, BOB, [21, 9, 5]),
    message(3, BOB, [21, 9, 11]),
    message(4, ANN, [21, 9, 11]),
  ]);
  t.same(
    rows.map(({ startsRun, endsRun }) => [startsRun, endsRun]),
    [
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ],
  );
});

t.test('a system message stands alone', async (t) => {
  const system: ShownMessage = { ...message(2, BOB, [21, 9, 0]), message_type: 'system' };
  const rows = all([message(1, BOB, [21, 9, 0]), system, message(3, BOB, [21, 9, 0])]);
  t.ok(rows.every(({ startsRun, endsRun }) => startsRun && endsRun));
});

t.test('a day begins at local midnight, and ends a run', async (t) => {
  const rows = all([message(1, BOB, [21, 23, 59]), message(2, BOB, [22, 0, 1])]);
  t.same(
    rows.map(({ startsDay, startsRun }) => [startsDay, startsRun]),
    [
      [true, true],
      [true, true],
    ],
  );
  t.not(dayOf(rows[0]?.message.sent_at), dayOf(rows[1]?.message.sent_at));
});

t.test('a part of the messages has the rows that it has in the whole', async (t) => {
  const messages = Array.from({ length: 9 }, (_, i) =>
    message(i + 1, i < 5 ? ANN : BOB, [21, 9, i]),
  );
  const part = rowsOf({ messages, first: 2, end: 6, newSeq: 3 });
  t.same(part, all(messages, 3).slice(2, 6));
});

t.test('the line stands above the first message of others that is not read', async (t) => {
  const messages = [
    message(1, BOB, [21, 9, 0]),
    message(2, ANN, [21, 9, 1]),
    message(3, BOB, [21, 9, 2]),
    message(4, BOB, [21, 9, 3]),
  ];
  const line = (readSeq: number, hasOlder = false) =>
    firstNewSeq({ messages, hasOlder, readSeq, userId: ANN });
  t.equal(line(1), 3, 'not above what one wrote oneself');
  t.equal(line(3, true), 4);
  t.equal(line(4), undefined, 'all is read');
  t.equal(line(0), 1, 'nothing was ever read');
  t.equal(line(0, true), undefined, 'older messages may be new too');
  const rows = all(messages, 4);
  t.match([rows[2], rows[3]], [{ endsRun: true }, { startsRun: true, isFirstNew: true }]);
});

t.test('newer messages of others are counted, and those on their way are not', async (t) => {
  const { seq: _seq, ...echo } = message(5, ANN, [21, 9, 4]);
  const messages = [1, 2, 3].map((seq) => message(seq, seq === 2 ? ANN : BOB, [21, 9, seq]));
  t.equal(countNewer([...messages, echo], 0, ANN), 2);
  t.equal(countNewer([...messages, echo], 1, ANN), 1);
  t.equal(countNewer([...messages, echo], 3, ANN), 0);
  t.equal(countNewer([], 0, ANN), 0);
});

t.test('a message keeps its key when it is acknowledged, and senders share none', async (t) => {
  const { message_id: _id, seq: _seq, ...echo } = message(1, ANN, [21, 9, 0]);
  const sent = { ...message(1, ANN, [21, 9, 0]), client_msg_id: 'x' };
  t.equal(keyOf({ ...echo, client_msg_id: 'x' }), keyOf(sent));
  t.not(keyOf(sent), keyOf({ ...sent, sender_id: BOB }));
});
