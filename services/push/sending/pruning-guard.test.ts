import t from 'tap';
import { PruningGuard } from './pruning-guard.ts';

const MINUTE_MS = 60_000;
const times = (count: number, act: (index: number) => unknown) =>
  Array.from({ length: count }, (_, index) => act(index));

t.test('twenty may go at once, or 5 % of five hundred', async (t) => {
  const guard = new PruningGuard();
  const pruned = times(500, () => guard.mayPrune(1_000)).filter(Boolean);
  t.equal(pruned.length, 25);
  const few = new PruningGuard();
  t.equal(times(60, () => few.mayPrune(0)).filter(Boolean).length, 20);
});

t.test('up to 5 % of what is answered may go', async (t) => {
  const guard = new PruningGuard();
  times(2_000, () => guard.noteThere(0));
  const pruned = times(300, () => guard.mayPrune(10)).filter(Boolean);
  t.ok(pruned.length >= 100 && pruned.length <= 120, String(pruned.length));
});

t.test('a few that go are never too many', async (t) => {
  const guard = new PruningGuard();
  t.ok(times(20, (index) => guard.mayPrune(index)).every(Boolean));
});

t.test('the minute passes, and registrations may go again', async (t) => {
  const guard = new PruningGuard();
  times(40, () => guard.mayPrune(5_000));
  t.notOk(guard.mayPrune(5_000 + MINUTE_MS - 1_000));
  t.ok(guard.mayPrune(5_000 + MINUTE_MS));
});
