import t from 'tap';
import { steadyMs } from './clock.ts';
import { repeat } from './repeat.ts';

/** Keeps this process from running anything else, as a stop does. */
function stall(forMs: number): void {
  const endsAt = steadyMs() + forMs;
  while (steadyMs() < endsAt);
}

t.test('a round behind a stop says how late it is, and the next one is in time', async (t) => {
  const rounds: { gapMs: number; lateMs: number }[] = [];
  await new Promise<void>((resolve) => {
    let before = steadyMs();
    const end = repeat(40, (nowMs, lateMs) => {
      rounds.push({ gapMs: nowMs - before, lateMs });
      before = nowMs;
      if (rounds.length === 2) stall(200);
      if (rounds.length < 4) return;
      end();
      resolve();
    });
  });
  const [, , late, next] = rounds;
  t.ok((late?.lateMs ?? 0) >= 150 && (late?.lateMs ?? 0) <= (late?.gapMs ?? 0));
  t.equal(next?.lateMs, 0);
});

t.test('a round that is late by less than its own time is not late', async (t) => {
  const lateMs = await new Promise((resolve) => {
    const end = repeat(400, (_nowMs, late) => {
      end();
      resolve(late);
    });
    stall(450);
  });
  t.equal(lateMs, 0);
});
