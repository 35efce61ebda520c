import t from 'tap';
import { WastedTime } from './wasted-time.ts';

/** Judges wrong signatures of this cost for 10 s, and returns the time that they took. */
function flood(wasted: WastedTime, costMs: number): number {
  let spentMs = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs += wasted.isSpent(nowMs) ? 0.1 : costMs) {
    if (wasted.isSpent(nowMs)) continue;
    spentMs += costMs;
    wasted.add(costMs, nowMs + costMs);
  }
  return spentMs;
}

t.test('wrong signatures take half of the time, whatever one costs', async (t) => {
  for (const costMs of [0.01, 0.25, 4, 80]) {
    const spentMs = flood(new WastedTime(), costMs);
    t.ok(spentMs > 4_900 && spentMs < 5_700, `${spentMs} of 10 000 ms at ${costMs} ms each`);
  }
});

t.test('300 wrong signatures a second spend nothing', async (t) => {
  const wasted = new WastedTime();
  const spentAt: number[] = [];
  for (let nowMs = 0; nowMs < 10_000; nowMs += 1_000 / 300) {
    if (wasted.isSpent(nowMs)) spentAt.push(nowMs);
    wasted.add(0.25, nowMs);
  }
  t.same(spentAt, []);
});

t.test('a process that stood still judges again a second later', async (t) => {
  const wasted = new WastedTime();
  wasted.add(35_000, 40_000);
  t.ok(wasted.isSpent(40_999));
  t.notOk(wasted.isSpent(41_001));
});
