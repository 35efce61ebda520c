import t from 'tap';
import { Room } from './room.ts';

t.test('who finds no room waits until a check finds some', async (t) => {
  let isFull = false;
  const room = new Room(() => !isFull);
  t.equal(room.wait(), undefined);
  isFull = true;
  const gone: string[] = [];
  const waits = ['a', 'b'].map((name) => room.wait()?.then(() => gone.push(name)));
  room.check();
  await new Promise((resolve) => setImmediate(resolve));
  t.same(gone, []);
  isFull = false;
  room.check();
  await Promise.all(waits);
  t.same(gone, ['a', 'b']);
  t.equal(room.wait(), undefined);
});
