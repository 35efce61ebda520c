import t from 'tap';
import { Gate } from './gate.ts';

t.test('at most so many run, at most so many wait, in order', async (t) => {
  const gate = new Gate({ concurrencyMax: 2, waitingMax: 2 });
  const order: string[] = [];
  const finish: (() => void)[] = [];
  const work = (name: string) => () => {
    order.push(name);
    return new Promise<string>((resolve) => finish.push(() => resolve(name)));
  };
  const runs = ['a', 'b', 'c', 'd'].map((name) => gate.run(work(name)));
  t.ok(gate.isFull);
  await t.rejects(gate.run(work('e')), { code: 'MESSAGING_UNAVAILABLE' });
  t.same(order, ['a', 'b']);
  while (finish.length > 0) {
    finish.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.same(await Promise.all(runs), ['a', 'b', 'c', 'd']);
  t.same(order, ['a', 'b', 'c', 'd']);
  await t.rejects(gate.run(() => Promise.reject(new Error('x'))));
  t.equal(await gate.run(() => Promise.resolve(1)), 1, 'a failure gives its place back');
});
