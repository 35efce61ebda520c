import t from 'tap';
import { Gate } from './gate.ts';

function latch() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

t.test('a gate runs one task, lets one wait, and refuses the next', async (t) => {
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

t.test('a task that fails gives its place to the next task', async (t) => {
  const gate = new Gate({ concurrencyMax: 1, waitingMax: 0 });
  await t.rejects(
    gate.run(() => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.equal(await gate.run(async () => 'again'), 'again');
});

t.test('tasks that wait run in the order in which they came, at most two at a time', async (t) => {
  const gate = new Gate({ concurrencyMax: 2, waitingMax: 2 });
  const order: string[] = [];
  const finish: (() => void)[] = [];
  const work = (name: string) => () => {
    order.push(name);
    return new Promise<string>((resolve) => finish.push(() => resolve(name)));
  };
  const runs = ['a', 'b', 'c', 'd'].map((name) => gate.run(work(name)));
  t.ok(gate.isFull);
  await t.rejects(gate.run(work('e')), { code: 'MESSAGING_UNAVAILABLE', retryAfterS: 1 });
  t.same(order, ['a', 'b']);
  while (finish.length > 0) {
    finish.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.same(await Promise.all(runs), ['a', 'b', 'c', 'd']);
  t.same(order, ['a', 'b', 'c', 'd']);
});

t.test('a refusal tells the pause that the gate was given', async (t) => {
  const gate = new Gate({ concurrencyMax: 0, waitingMax: 0, retryAfterS: 2 });
  await t.rejects(
    gate.run(async () => undefined),
    { code: 'MESSAGING_UNAVAILABLE', retryAfterS: 2 },
  );
});

t.test('a waiting task whose owner leaves never runs, and makes room for another', async (t) => {
  const gate = new Gate({ concurrencyMax: 1, waitingMax: 2 });
  const { open, opened } = latch();
  const done: string[] = [];
  const [first, gone, last] = [{}, {}, {}];
  const running = gate.run(() => opened.then(() => void done.push('first')), first);
  const left = t.rejects(
    gate.run(async () => void done.push('gone'), gone),
    { code: 'MESSAGING_UNAVAILABLE' },
  );
  const waiting = gate.run(async () => void done.push('second'));
  t.ok(gate.isFull);
  gate.leave(gone);
  gate.leave(gone);
  gate.leave(first);
  t.equal(gate.waiting, 1);
  const after = gate.run(async () => void done.push('last'), last);
  open();
  await Promise.all([running, left, waiting, after]);
  t.same(done, ['first', 'second', 'last']);
  t.equal(gate.inside, 0);
});
