import t from 'tap';
import { Ledger } from './ledger.ts';

/** Two conversations with two sockets each take turns. They had 10 and 20 messages before. */
const BEFORE = [10, 20];
const create = () =>
  new Ledger({ messages: 8, conversations: 2, slots: 2 }, (message) => message % 2);

function exchange(ledger: Ledger, message: number, seq: number): void {
  ledger.sent(message);
  ledger.acknowledged(message, seq);
  ledger.queued(message, 0, seq);
  ledger.queued(message, 1, seq);
}

t.test('a run in which everything is received has nothing odd', async (t) => {
  const ledger = create();
  for (const [message, seq] of [11, 21, 12, 22].entries()) exchange(ledger, message, seq);
  t.ok(ledger.isSettled());
  t.match(ledger.counts(BEFORE), {
    offered: 4,
    acknowledged: 4,
    unanswered: 0,
    expected: 8,
    received: 8,
    missing: 0,
    repeatedToQueue: 0,
    repeatedToEye: 0,
    outOfOrder: 0,
    seqGaps: 0,
    seqClashes: 0,
  });
});

t.test('a delivery that did not arrive is missing, and keeps the ledger open', async (t) => {
  const ledger = create();
  exchange(ledger, 0, 11);
  ledger.sent(1);
  ledger.acknowledged(1, 21);
  ledger.queued(1, 0, 21);
  t.notOk(ledger.isSettled());
  t.equal(ledger.oldestOpen(), 1);
  t.match(ledger.counts(BEFORE), { expected: 4, received: 3, missing: 1 });
});

t.test('a failed send owes nothing, and an unanswered one stays open', async (t) => {
  const ledger = create();
  ledger.sent(0);
  ledger.failed(0, 'TIMEOUT');
  t.ok(ledger.isSettled());
  ledger.sent(1);
  t.notOk(ledger.isSettled());
  t.match(ledger.counts(BEFORE), { failed: { TIMEOUT: 1 }, unanswered: 1, expected: 0 });
});

t.test('a user does not see a repeat of the queue, but sees a message with two seqs', async (t) => {
  const ledger = create();
  exchange(ledger, 0, 11);
  t.equal(ledger.queued(0, 1, 11), false);
  t.match(ledger.counts(BEFORE), { repeatedToQueue: 1, repeatedToEye: 0, received: 2 });
  ledger.queued(0, 1, 12);
  t.match(ledger.counts(BEFORE), { repeatedToQueue: 2, repeatedToEye: 1 });
});

t.test('a live copy and the copy of the queue are one message', async (t) => {
  const ledger = create();
  ledger.sent(0);
  ledger.acknowledged(0, 11);
  t.equal(ledger.live(0, 0, 11), true);
  t.equal(ledger.queued(0, 0, 11), false);
  t.match(ledger.counts(BEFORE), { live: 1, received: 1, repeatedToQueue: 0 });
});

t.test('a lower seq after a higher one is out of order, unless the connection broke', async (t) => {
  const ledger = create();
  exchange(ledger, 0, 12);
  exchange(ledger, 2, 11);
  t.match(ledger.counts(BEFORE), { outOfOrder: 2, outOfOrderAfterLoss: 0 });
  const excused = create();
  excused.excuse(0, 1);
  exchange(excused, 0, 12);
  exchange(excused, 2, 11);
  t.match(excused.counts(BEFORE), { outOfOrder: 1, outOfOrderAfterLoss: 1 });
});

t.test('a seq that no message has is a gap, and one that two have is a clash', async (t) => {
  const ledger = create();
  exchange(ledger, 0, 11);
  exchange(ledger, 2, 13);
  exchange(ledger, 4, 13);
  t.match(ledger.counts(BEFORE), { seqGaps: 1, seqClashes: 1 });
});

t.test('32 sockets in a conversation have a bit each', async (t) => {
  const ledger = new Ledger({ messages: 1, conversations: 1, slots: 32 }, () => 0);
  ledger.sent(0);
  ledger.acknowledged(0, 1);
  for (let slot = 0; slot < 32; slot += 1) {
    t.notOk(ledger.isSettled());
    ledger.queued(0, slot, 1);
  }
  t.ok(ledger.isSettled());
  t.match(ledger.counts([0]), { received: 32, missing: 0, repeatedToQueue: 0 });
});
