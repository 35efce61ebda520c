import t from 'tap';
import { Budget } from './budget.ts';

const KIB = 1024;

t.test('a budget has room until either bound is reached', async (t) => {
  const budget = new Budget({ count: 3, bytes: 100 * KIB });
  budget.add(10 * KIB);
  t.ok(budget.hasRoom(90 * KIB));
  t.notOk(budget.hasRoom(90 * KIB + 1), 'the bytes are spent');
  budget.add(10 * KIB);
  budget.add(10 * KIB);
  t.notOk(budget.hasRoom(0), 'the count is spent');
  budget.remove(10 * KIB);
  t.ok(budget.hasRoom(80 * KIB));
  t.equal(budget.count, 2);
  t.equal(budget.bytes, 20 * KIB);
});

t.test('what is small still has room once large things have taken all of theirs', async (t) => {
  const budget = new Budget({ count: 1_000, bytes: 100 * KIB });
  budget.add(100 * KIB);
  t.notOk(budget.hasRoom(4 * KIB));
  let small = 0;
  for (; budget.hasRoom(KIB); small += 1) budget.add(KIB);
  t.equal(small, 25, 'a quarter more');
});

t.test('what is larger than the bound has room alone, and leaves none to others', async (t) => {
  const budget = new Budget({ count: 3, bytes: 100 });
  t.ok(budget.hasRoom(10 * KIB));
  budget.add(10 * KIB);
  t.notOk(budget.hasRoom(1));
  budget.remove(10 * KIB);
  t.ok(budget.hasRoom(10 * KIB));
});
