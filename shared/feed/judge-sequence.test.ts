import t from 'tap';
import { judgeSequence } from './judge-sequence.ts';

const fresh = (seq: number) => ({ seq, redelivered: false });
const again = (seq: number) => ({ seq, redelivered: true });

t.test('a batch follows, is known, or shows a gap', async (t) => {
  t.equal(judgeSequence(7, fresh(8)), 'next');
  t.equal(judgeSequence(7, again(8)), 'next', 'whoever had it did not acknowledge it');
  t.equal(judgeSequence(7, again(7)), 'known');
  t.equal(judgeSequence(7, again(3)), 'known');
  t.equal(judgeSequence(7, fresh(9)), 'gap');
  t.equal(judgeSequence(7, again(9)), 'gap');
  t.equal(judgeSequence(0, fresh(50)), 'gap');
});

t.test('a number that NATS gives a second time shows a gap', async (t) => {
  t.equal(judgeSequence(7, fresh(7)), 'gap');
  t.equal(judgeSequence(7, fresh(1)), 'gap');
});
