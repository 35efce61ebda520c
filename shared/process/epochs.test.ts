import t from 'tap';
import { Epochs } from './epochs.ts';

const DAY_MS = 86_400_000;

/** The host's clock may be wrong by `aheadMs`; `pass` lets time pass for all hosts. */
let passed = 0;
const START_MS = Date.parse('2026-11-21T10:00:00Z');
function host(aheadMs = 0) {
  const clocks = { wallMs: () => START_MS + passed + aheadMs, passedMs: () => passed };
  return { epochs: new Epochs(clocks), clocks };
}
const pass = (ms: number): void => {
  passed += ms;
};

t.test('each epoch is higher than the one before, however many come at once', async (t) => {
  const { epochs } = host();
  const given = Array.from({ length: 5_000 }, () => epochs.next());
  t.ok(given.every((epoch, index) => index === 0 || epoch > (given[index - 1] as number)));
  t.ok(given.every((epoch) => Number.isSafeInteger(epoch)));
});

t.test('once two hosts have heard of each other, the later opening is higher', async (t) => {
  const [ahead, behind] = [host(DAY_MS).epochs, host(-DAY_MS).epochs];
  behind.heard(ahead.now());
  for (let round = 0; round < 100; round += 1) {
    const [first, second] = round % 2 === 0 ? [ahead, behind] : [behind, ahead];
    const earlier = first.next();
    pass(7);
    t.ok(second.next() > earlier);
    pass(7);
  }
});

t.test('who hears of an earlier epoch goes on as before', async (t) => {
  const [ahead, behind] = [host(DAY_MS).epochs, host().epochs];
  const before = ahead.now();
  ahead.heard(behind.next());
  t.equal(ahead.now(), before);
});

t.test('a clock that jumps while the process runs changes nothing', async (t) => {
  const { epochs, clocks } = host();
  const before = epochs.now();
  clocks.wallMs = () => 0;
  pass(1_000);
  t.equal(epochs.now(), before + 1_000 * 1_024);
});

t.test('epochs do not run ahead of time because many tell each other', async (t) => {
  const [one, other] = [host().epochs, host().epochs];
  const before = one.now();
  for (let round = 0; round < 10_000; round += 1) {
    other.heard(one.next());
    one.heard(other.next());
    if (round % 10 === 0) pass(1);
  }
  t.ok(one.now() - before <= 1_010 * 1_024, `${(one.now() - before) / 1_024} ms`);
});

t.test('what is no epoch is ignored', async (t) => {
  const { epochs } = host();
  const before = epochs.now();
  for (const heard of [undefined, null, 'x', Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1, {}]) {
    epochs.heard(heard);
  }
  t.equal(epochs.now(), before);
});
