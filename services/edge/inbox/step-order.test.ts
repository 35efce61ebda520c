import t from 'tap';
import { type BusinessId, newId } from '../../../shared/ids.ts';
import { inboxStep } from '../stage/inbox-step.ts';
import { StepOrder } from './step-order.ts';

const BUSINESS = newId<BusinessId>();
const BYTES = 100;

function orderAt(version: number, ...added: number[]): StepOrder {
  const order = new StepOrder({ sum: 0 });
  order.reach(version);
  for (const one of added) order.add(inboxStep(BUSINESS, one), BYTES);
  return order;
}

/** Returns the versions that the order gives out now. */
function given(order: StepOrder, nowMs: number, upTo = Number.POSITIVE_INFINITY): number[] {
  const versions: number[] = [];
  for (;;) {
    const held = order.next(nowMs, upTo);
    if (held === undefined) return versions;
    versions.push(held.step.version);
  }
}

t.test('steps that come in any order are given out in the order of their versions', async (t) => {
  t.same(given(orderAt(4, 7, 5, 6), 0), [5, 6, 7]);
});

t.test('nothing is given out before store says where the inbox is', async (t) => {
  const order = new StepOrder({ sum: 0 });
  for (const version of [3, 4, 5]) order.add(inboxStep(BUSINESS, version), BYTES);
  t.same(given(order, 10_000), []);
  t.equal(order.lost(10_000), undefined);
  order.reach(4);
  t.same(given(order, 0), [5], 'the head had the steps before');
});

t.test('a step that comes twice, or late, is given out once', async (t) => {
  const order = orderAt(0, 1, 1, 2);
  t.same(given(order, 0), [1, 2]);
  for (const version of [1, 2]) order.add(inboxStep(BUSINESS, version), BYTES);
  t.same(given(order, 0), []);
  t.notOk(order.isWaiting);
});

t.test('a step waits for the one before it, and no longer than 500 ms', async (t) => {
  const order = orderAt(0, 2);
  t.ok(order.hasGap);
  t.same(given(order, 1_000), []);
  t.same(given(order, 1_499), []);
  order.add(inboxStep(BUSINESS, 1), BYTES);
  t.notOk(order.hasGap);
  t.same(given(order, 1_499), [1, 2], 'the missing one came in time');
  order.add(inboxStep(BUSINESS, 5), BYTES);
  t.same(given(order, 2_000), []);
  t.same(given(order, 2_500), [5], 'those between are given up');
  order.add(inboxStep(BUSINESS, 4), BYTES);
  t.same(given(order, 9_000), [], 'a step that was given up stays away');
});

t.test('each gap has its own 500 ms', async (t) => {
  const order = orderAt(0, 2, 4);
  t.same(given(order, 0), []);
  t.same(given(order, 500), [2]);
  t.same(given(order, 999), []);
  t.same(given(order, 1_000), [4]);
});

t.test('no step above the asked version is given out', async (t) => {
  const order = orderAt(0, 1, 2, 3);
  t.same(given(order, 0, 2), [1, 2]);
  t.same(given(order, 10_000, 2), [], 'a step that waits for its turn is no gap');
  t.same(given(order, 10_000), [3]);
});

t.test('a gap that ends goes on behind it, up to the asked version', async (t) => {
  const order = orderAt(0, 3);
  t.same(given(order, 0, 1), []);
  t.same(given(order, 500, 2), []);
  t.same(given(order, 500, 3), [3]);
  t.equal(order.version, 3);
});

t.test('steps that store knows of, and that nothing follows, are lost after 500 ms', async (t) => {
  const order = orderAt(3);
  t.equal(order.lost(0), undefined);
  order.reach(5);
  t.equal(order.lost(0), undefined);
  t.equal(order.lost(499), undefined);
  t.same(order.lost(500), { from: 4, to: 5 });
  order.giveUp();
  t.equal(order.lost(9_000), undefined);
  t.equal(order.version, 5);
  order.add(inboxStep(BUSINESS, 5), BYTES);
  t.same(given(order, 9_000), []);
});

t.test('an older head takes nothing back', async (t) => {
  const order = orderAt(5);
  order.reach(3);
  order.add(inboxStep(BUSINESS, 6), BYTES);
  t.same(given(order, 0), [6]);
});

t.test('what is too much to hold gives up the oldest steps', async (t) => {
  const many = Array.from({ length: 1_030 }, (_, index) => index + 2);
  const versions = given(orderAt(0, ...many), 0);
  t.same([versions[0], versions.length], [8, 1_024], 'too many');
  const order = orderAt(0);
  const bytes = 1024 * 1024;
  for (const version of [2, 3, 4, 5, 6]) order.add(inboxStep(BUSINESS, version), bytes);
  t.same(given(order, 0), [3, 4, 5, 6], 'too large');
  order.add(inboxStep(BUSINESS, 7), bytes);
  t.same(given(order, 0), [7], 'what was given out is held no more');
});

t.test('an order that does not know its version drops the oldest steps too', async (t) => {
  const order = new StepOrder({ sum: 0 });
  for (let version = 1; version <= 1_025; version += 1) {
    order.add(inboxStep(BUSINESS, version), BYTES);
  }
  order.reach(0);
  t.same(given(order, 0), []);
  t.equal(given(order, 500)[0], 2);
});

t.test('an inbox gives up its oldest steps if all inboxes hold too much together', async (t) => {
  const all = { sum: 0 };
  const order = new StepOrder(all);
  order.reach(0);
  for (const version of [2, 3]) order.add(inboxStep(BUSINESS, version), BYTES);
  all.sum += 64 * 1024 * 1024 - 2 * BYTES;
  order.add(inboxStep(BUSINESS, 4), BYTES);
  t.equal(order.version, 2);
  t.same(given(order, 0), [3, 4]);
  order.add(inboxStep(BUSINESS, 6), BYTES);
  order.clear();
  t.equal(all.sum, 64 * 1024 * 1024 - 2 * BYTES, 'what is given out or dropped counts no more');
});
