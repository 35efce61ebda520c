import t from 'tap';
import { ClaimStart } from './claim-start.ts';

const full = (lastAt: string) => ({ isFull: true, lastAt });
const FEW = { isFull: false, lastAt: undefined };

t.test('claims go on where the last full claim ended, and look back every 500 ms', (t) => {
  const start = new ClaimStart();
  t.equal(start.next(0), undefined);
  start.note(undefined, full('t1'));
  t.equal(start.next(100), 't1');
  start.note('t1', full('t2'));
  t.equal(start.next(499), 't2');
  t.equal(start.next(500), undefined);
  start.note(undefined, full('t0'));
  t.equal(start.next(501), 't2', 'looking back loses no place');
  t.equal(start.next(1_000), undefined);
  t.end();
});

t.test('a claim that finds few rows lets the next one begin with the oldest row', (t) => {
  const start = new ClaimStart();
  t.equal(start.next(0), undefined);
  start.note(undefined, FEW);
  t.equal(start.next(1), undefined);
  start.note(undefined, full('t1'));
  t.equal(start.next(2), 't1');
  start.note('t1', { isFull: false, lastAt: 't2' });
  t.equal(start.next(3), undefined);
  t.end();
});
