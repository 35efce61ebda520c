import t from 'tap';
import { steadyMs } from './clock.ts';
import { repeat } from './repeat.ts';

/** Keeps this process from running anything else, as a stop does. */
function stall(forMs: number): void {
  const endsAt = steadyMs() + forMs;
  while (steadyMs() < endsAt);
}

t.test('a round behind a stop judges as of the round before, and the next as of now', async (t) => {
  const rounds: [number, number][] = [];
  await new Promise<void>((resolve) => {
    const end = repeat(40, (...times) => {
      rounds.push(times);
      if (rounds.length === 2) stall(200);
      if (rounds.length < 4) return;
      end();
      resolve();
    });
  });
  const [, before, late, next] = rounds as [number, number][];
  t.ok(late !== undefined && before !== undefined && next !== undefined);
  t.equal(late?.[1], before?.[0]);
  t.ok((late?.[0] ?? 0) - (late?.[1] ?? 0) >= 200);
  t.equal(next?.[1], next?.[0]);
});

t.test('a round that is late by less than a round judges as of now', async (t) => {
  const times = await new Promise<number[]>((resolve) => {
    const end = repeat(400, (...given) => {
      end();
      resolve(given);
    });
    stall(450);
  });
  t.equal(times[0], times[1]);
});
