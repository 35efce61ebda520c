import t from 'tap';
import { Gatherer } from './gatherer.ts';

/** No test waits for this long. */
const NEVER_MS = 60_000;

t.test('items are written together once the first has waited', async (t) => {
  const written: number[][] = [];
  const gatherer = new Gatherer<string, number>({ waitMs: 1, heldMax: 10 }, async (items) => {
    written.push(items);
  });
  await Promise.all([gatherer.put('a', 1), gatherer.put('b', 2)]);
  t.same(written, [[1, 2]]);
  t.equal(gatherer.held, 0);
});

t.test('a later item replaces the item that is gathered under the same key', async (t) => {
  const written: number[][] = [];
  const gatherer = new Gatherer<string, number>(
    { waitMs: NEVER_MS, heldMax: 10 },
    async (items) => {
      written.push(items);
    },
  );
  void gatherer.put('a', 1);
  t.equal(gatherer.get('a'), 1);
  void gatherer.put('a', 3);
  t.equal(gatherer.held, 1);
  await gatherer.close();
  t.same(written, [[3]], 'closing writes what is gathered');
  t.equal(gatherer.get('a'), undefined);
});

t.test('a full batch does not wait, and the next item begins another one', async (t) => {
  const written: number[][] = [];
  const limits = { waitMs: NEVER_MS, batchMax: 2, heldMax: 10 };
  const gatherer = new Gatherer<number, number>(limits, async (items) => {
    written.push(items);
  });
  const [first] = [1, 2, 3].map((item) => gatherer.put(item, item));
  await first;
  t.same(written, [[1, 2]]);
  await gatherer.close();
  t.same(written, [[1, 2], [3]]);
});

t.test('items on their way take room until they are written', async (t) => {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const gatherer = new Gatherer<number, number>({ waitMs: NEVER_MS, heldMax: 2 }, () => finished);
  const written = gatherer.put(1, 1);
  gatherer.flush();
  t.equal(gatherer.get(1), undefined);
  void gatherer.put(2, 2);
  t.notOk(gatherer.hasRoomFor(1));
  finish();
  await written;
  t.ok(gatherer.hasRoomFor(1));
  await gatherer.close();
  t.equal(gatherer.held, 0);
});

t.test('a failed write rejects the promise of its whole batch, and makes room', async (t) => {
  let isAway = true;
  const gatherer = new Gatherer<number, number>({ waitMs: 1, heldMax: 2 }, async () => {
    if (isAway) throw new Error('away');
  });
  const [first, second] = [gatherer.put(1, 1), gatherer.put(2, 2)];
  await t.rejects(first, { message: 'away' });
  await t.rejects(second, { message: 'away' });
  t.equal(gatherer.held, 0);
  isAway = false;
  await gatherer.put(3, 3);
});
