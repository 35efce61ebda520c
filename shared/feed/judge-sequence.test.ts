import t from 'tap';
import { judgeSequence, storedAt } from './judge-sequence.ts';

const MINUTE_MS = 60_000;
/** NATS stores one batch a minute on this stage, and counts anew after `lostMs`. */
const batch = (seq: number, lostMs = 0) => {
  return { seq, info: { timestampNanos: (seq * MINUTE_MS + lostMs) * 1e6 } };
};
const fresh = (seq: number, lostMs?: number) => ({ ...batch(seq, lostMs), redelivered: false });
const again = (seq: number, lostMs?: number) => ({ ...batch(seq, lostMs), redelivered: true });
const done = { seq: 7, stored_at: storedAt(batch(7)) };

t.test('a batch follows, is known, or shows a gap', async (t) => {
  t.equal(judgeSequence(done, fresh(8)), 'next');
  t.equal(judgeSequence(done, again(8)), 'next', 'whoever had it did not acknowledge it');
  t.equal(judgeSequence(done, again(7)), 'known');
  t.equal(judgeSequence(done, again(3)), 'known');
  t.equal(judgeSequence(done, fresh(9)), 'gap');
  t.equal(judgeSequence(done, again(9)), 'gap');
});

t.test('a number that NATS gives a second time shows a gap', async (t) => {
  t.equal(judgeSequence(done, fresh(7, 10 * MINUTE_MS)), 'gap');
  t.equal(judgeSequence(done, fresh(1, 10 * MINUTE_MS)), 'gap');
  t.equal(judgeSequence(done, again(7, 1)), 'gap', 'its first reader did not handle it');
  t.equal(judgeSequence(done, again(1, 10 * MINUTE_MS)), 'gap');
  t.equal(judgeSequence({ seq: 7 }, again(3)), 'gap', 'nobody knows when batch 7 was stored');
});

t.test('the first batch shows a gap, whatever its number is', async (t) => {
  t.equal(judgeSequence({}, fresh(1)), 'gap');
  t.equal(judgeSequence({}, again(1)), 'gap');
  t.equal(judgeSequence({}, fresh(50)), 'gap');
});
