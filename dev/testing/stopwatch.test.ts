import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startStopwatch } from './stopwatch.ts';

t.test('a stopwatch counts the time that passes while the process can run', async (t) => {
  const watch = startStopwatch();
  const startedAtMs = performance.now();
  await delay(300);
  const countedMs = watch.stop();
  t.ok(countedMs <= performance.now() - startedAtMs + 1, `${countedMs} ms`);
  // On a busy machine a tick may come late, and then only 20 ms of it count.
  t.ok(countedMs >= 100, `${countedMs} ms`);
});

t.test('a stopwatch leaves out the time in which the process could not run', async (t) => {
  const watch = startStopwatch();
  const busyUntilMs = performance.now() + 500;
  while (performance.now() < busyUntilMs);
  t.ok(watch.stop() <= 20);
});
