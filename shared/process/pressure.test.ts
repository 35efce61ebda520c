import t from 'tap';
import { gapMs, Pressure } from './pressure.ts';

const GAP = { calmMs: 2, pressedMs: 4, between: [0.6, 0.8] as const };

t.test('a process with time to spare keeps the calm gap', async (t) => {
  t.equal(gapMs({ utilization: 0, waiting: 0 }, GAP), 2);
  t.equal(gapMs({ utilization: 0.6, waiting: 63 }, GAP), 2);
});

t.test('the gap grows with the utilization, and never beyond the pressed one', async (t) => {
  const utilizations = [0.6, 0.65, 0.7, 0.75, 0.8];
  const gaps = utilizations.map((utilization) => gapMs({ utilization, waiting: 0 }, GAP));
  t.same(
    gaps,
    [...gaps].sort((a, b) => a - b),
  );
  t.equal(new Set(gaps).size, gaps.length, 'no step is as high as the one before');
  t.equal(gapMs({ utilization: 0.8, waiting: 0 }, GAP), 4);
  t.equal(gapMs({ utilization: 1, waiting: 0 }, GAP), 4);
});

t.test('a gap may begin to grow with the first work', async (t) => {
  const gap = { calmMs: 0, pressedMs: 6, between: [0, 0.2] as const };
  t.equal(gapMs({ utilization: 0, waiting: 0 }, gap), 0);
  t.equal(gapMs({ utilization: 0.1, waiting: 0 }, gap), 3);
});

t.test('many waiting rows are full pressure, however idle the event loop is', async (t) => {
  t.equal(gapMs({ utilization: 0, waiting: 64 }, GAP), 4);
});

/** The test says how long the event loop was idle and active. */
function scriptedLoop() {
  const times = { idle: 0, active: 0 };
  const pass = (idle: number, active: number): void => {
    times.idle += idle;
    times.active += active;
  };
  return { pass, pressure: new Pressure(() => ({ ...times })) };
}

t.test('a process that has just started knows no pressure', async (t) => {
  t.equal(scriptedLoop().pressure.utilization, 0);
});

t.test('the utilization is the busy share of the time since the last sample', async (t) => {
  const { pass, pressure } = scriptedLoop();
  pass(25, 75);
  t.equal(pressure.utilization, 0.75);
  pass(150, 50);
  t.equal(pressure.utilization, 0.25, 'what was before counts no more');
});

t.test('less time than a sample needs changes nothing', async (t) => {
  const { pass, pressure } = scriptedLoop();
  pass(0, 99);
  t.equal(pressure.utilization, 0);
  pass(0, 1);
  t.equal(pressure.utilization, 1);
  pass(99, 0);
  t.equal(pressure.utilization, 1);
  t.equal(pressure.gapMs(GAP), 4);
  pass(1, 0);
  t.equal(pressure.utilization, 0, 'the pressure ends as it came');
  t.equal(pressure.gapMs(GAP), 2);
});

t.test('the event loop of this process is read if a test gives no other', async (t) => {
  const { utilization } = new Pressure();
  t.ok(utilization >= 0 && utilization <= 1);
});
