import t from 'tap';
import { DeviceLine, type ItemState, KEPT_MS, type LineItem } from './device-line.ts';

type Named = LineItem & { name: string };
const items = (count: number): Named[] =>
  Array.from({ length: count }, (_, n) => ({ name: `${n}`, state: 'refused' as ItemState }));

/** Takes all events that may be published now. */
function due(line: DeviceLine<Named>): string {
  const names: string[] = [];
  for (let one = line.nextDue(); one !== undefined; one = line.nextDue()) names.push(one.name);
  return names.join('');
}

t.test('events are offered until one is on its way to the queue', async (t) => {
  const line = new DeviceLine<Named>();
  const [a, b, c, d] = items(4) as [Named, Named, Named, Named];
  t.ok(line.add(a, true) && line.add(b, true));
  line.refuse(b);
  t.notOk(line.add(c, true));
  t.equal(due(line), '', 'an older offer is open');
  line.leave(a);
  t.equal(due(line), '12');
  t.notOk(line.add(d, true));
  t.equal(due(line), '3');
  for (const one of [b, c, d]) line.leave(one);
  t.ok(line.isIdle);
  t.ok(line.add(a, true), 'the line offers again after all acknowledgements');
});

t.test('an event that may not be offered waits for the older offers', async (t) => {
  const line = new DeviceLine<Named>();
  const [a, b, c] = items(3) as [Named, Named, Named];
  line.add(a, true);
  t.notOk(line.add(b, false));
  t.notOk(line.add(c, true));
  t.equal(due(line), '');
  line.refuse(a);
  t.equal(due(line), '012', 'they are published in the order in which they came');
});

t.test('nobody there refuses the older offers too, and no newer one', async (t) => {
  const line = new DeviceLine<Named>();
  const [a, b, c, d] = items(4) as [Named, Named, Named, Named];
  for (const one of [a, b, c, d]) line.add(one, true);
  line.refuse(b);
  t.same(line.refuseUpTo(c), [a], 'the one in between was refused before');
  t.equal(due(line), '012');
  line.leave(b);
  line.leave(a);
  t.equal(due(line), '');
  line.leave(d);
  line.leave(c);
  t.ok(line.isIdle);
  t.equal(line.length, 0);
});

t.test('an event that is given up holds up nothing behind it', async (t) => {
  const line = new DeviceLine<Named>();
  const [a, b] = items(2) as [Named, Named];
  line.add(a, false);
  t.equal(due(line), '0');
  line.add(b, true);
  line.leave(a);
  t.equal(due(line), '1');
});

t.test('an offer tells the highest number of the queue for 10 s', async (t) => {
  const line = new DeviceLine<Named>();
  t.equal(line.after(0), 0);
  t.notOk(line.isKept(0));
  line.acknowledged(7, 1_000);
  line.acknowledged(5, 2_000);
  t.equal(line.after(2_000 + KEPT_MS), 7);
  t.equal(line.after(2_001 + KEPT_MS), 0);
  t.notOk(line.isKept(2_001 + KEPT_MS));
  line.forgetSeq();
  t.equal(line.after(2_000), 0, 'the stream may have lost its tail');
});

t.test('whatever devices and queues answer, each event leaves its line once', async (t) => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const line = new DeviceLine<Named>();
    const random = randomOf(seed);
    const all = items(40);
    const publishing: Named[] = [];
    const published: number[] = [];
    let [added, left] = [0, 0];
    const leave = (one: Named): void => {
      line.leave(one);
      left += 1;
    };
    while (left < all.length) {
      const isNew = added < all.length && random() < 0.4;
      if (isNew) line.add(all[added++] as Named, random() < 0.7);
      const offered = all.filter(({ state }) => state === 'offered');
      const one = offered[Math.floor(random() * offered.length)];
      const isBusy = all.some(({ state }) => state === 'publishing' || state === 'refused');
      if (!isBusy) t.equal(line.length, offered.length);
      const answer = random();
      if (one !== undefined && answer < 0.3) leave(one);
      else if (one !== undefined && answer < 0.45) line.refuse(one);
      else if (one !== undefined && answer < 0.6) line.refuseUpTo(one);
      for (let next = line.nextDue(); next !== undefined; next = line.nextDue()) {
        published.push(Number(next.name));
        publishing.push(next);
        const older = all.slice(0, Number(next.name));
        if (older.some(({ state }) => state === 'offered' || state === 'refused')) {
          t.fail(`${next.name} overtook an older event, seed ${seed}`);
        }
      }
      const answered = publishing.splice(Math.floor(random() * publishing.length), 1);
      for (const stored of answered) leave(stored);
    }
    t.ok(line.isIdle);
    t.same(
      published,
      published.toSorted((a, b) => a - b),
      `seed ${seed}`,
    );
  }
});

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
