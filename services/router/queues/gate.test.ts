import t from 'tap';
import { forEachBounded, Gate } from './gate.ts';

function latch() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

t.test('lets so many in, so many wait, and refuses the rest', async (t) => {
  const gate = new Gate({ concurrencyMax: 1, waitingMax: 1 });
  const { open, opened } = latch();
  const done: string[] = [];
  const first = gate.run(() => opened.then(() => void done.push('first')));
  const second = gate.run(async () => void done.push('second'));
  await t.rejects(
    gate.run(async () => undefined),
    { code: 'MESSAGING_UNAVAILABLE' },
  );
  t.equal(gate.inside, 1);
  t.equal(gate.waiting, 1);
  open();
  await Promise.all([first, second]);
  t.same(done, ['first', 'second']);
  t.equal(gate.inside, 0);
});

t.test('a task that fails leaves its place', async (t) => {
  const gate = new Gate({ concurrencyMax: 1, waitingMax: 0 });
  await t.rejects(
    gate.run(() => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.equal(await gate.run(async () => 'again'), 'again');
});

t.test('runs every item, never more at once than allowed', async (t) => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  await forEachBounded([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(item);
    running -= 1;
  });
  t.equal(most, 3);
  t.equal(seen.length, 7);
});
