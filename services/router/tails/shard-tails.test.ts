import t from 'tap';
import { RecentPublishes } from './recent-publishes.ts';
import { ShardTails } from './shard-tails.ts';

/** Sets up the tails of three shards, and a clock that a test moves. */
function setTails(capacity?: number) {
  const clock = { at: 1_000 };
  const recent = capacity === undefined ? {} : { recent: new RecentPublishes(capacity) };
  const tails = new ShardTails(3, { now: () => clock.at, ...recent });
  /** Begins a publish, which is answered at once. */
  const publish = (queue: string, shard: number, seq: number): boolean => {
    clock.at += 1;
    const ticket = tails.begin(queue, shard);
    clock.at += 1;
    return tails.stored(ticket, seq);
  };
  return { clock, tails, publish };
}

t.test('a shard that gives a number again has lost its tail', async (t) => {
  const { tails, publish, clock } = setTails();
  t.ok(publish('ann', 0, 5));
  t.ok(publish('bob', 1, 1), 'each shard counts for itself');
  t.notOk(publish('cid', 0, 4));
  t.same(tails.takeLoss(0), { keptSeq: 3, upToSeq: 5, foundAt: clock.at });
  t.equal(tails.takeLoss(0), undefined);
  t.notOk(tails.hasLoss(1));
});

t.test('answers to publishes that overlap may overtake each other', async (t) => {
  const { tails } = setTails();
  const [first, second] = [tails.begin('ann', 0), tails.begin('bob', 0)];
  t.ok(tails.stored(second, 5));
  t.ok(tails.stored(first, 4));
  t.equal(tails.lastSeq(0), 5);
});

t.test('an event that was stored before proves nothing', async (t) => {
  const { tails, publish, clock } = setTails();
  publish('ann', 0, 5);
  clock.at += 1;
  tails.storedBefore(tails.begin('ann', 0), 5);
  t.notOk(tails.hasLoss(0));
  t.same(tails.told([{ shard: 0, seq: 9, at: clock.at - 1 }]), [], 'nor with what is told later');
  t.same(tails.lostOf(0, { keptSeq: 4, upToSeq: 5, foundAt: 9_999 }).seqs, [5]);
});

t.test('a number that another router was given proves the loss', async (t) => {
  const { tails, publish, clock } = setTails();
  publish('ann', 0, 80);
  t.same(tails.told([{ shard: 0, seq: 100, at: clock.at }]), []);
  t.notOk(publish('bob', 0, 91));
  t.match(tails.takeLoss(0), { keptSeq: 90, upToSeq: 100 });
});

t.test('what is told after the publish was answered proves the loss too', async (t) => {
  const { tails, publish, clock } = setTails();
  publish('ann', 0, 80);
  const at = clock.at;
  t.ok(publish('bob', 0, 91));
  t.ok(publish('bob', 1, 7));
  t.same(tails.told([{ shard: 0, seq: 85, at }]), [], 'numbers below prove nothing');
  t.same(tails.told([{ shard: 0, seq: 100, at: clock.at }]), [], 'it may have been given later');
  t.same(tails.told([{ shard: 0, seq: 100, at }]), [0]);
  t.match(tails.takeLoss(0), { keptSeq: 90, upToSeq: 100 });
});

t.test('what is told while a publish is under way proves the loss', async (t) => {
  const { tails, clock } = setTails();
  const ticket = tails.begin('ann', 0);
  tails.told([{ shard: 0, seq: 100, at: clock.at - 1 }]);
  t.notOk(tails.stored(ticket, 91));
});

t.test('an end below a number that is known proves the loss', async (t) => {
  const { tails, publish } = setTails();
  publish('ann', 0, 8);
  t.ok(tails.ended({ shard: 0, seq: 9 }, tails.end(0)));
  const known = tails.end(0);
  publish('bob', 0, 11);
  t.ok(tails.ended({ shard: 0, seq: 9 }, known), 'what came after the question proves nothing');
  t.notOk(tails.ended({ shard: 0, seq: 9 }, tails.end(0)));
  t.match(tails.takeLoss(0), { keptSeq: 9, upToSeq: 11 });
});

t.test('a loss concerns what was stored before it, and nothing that came after', async (t) => {
  const { tails, publish, clock } = setTails();
  publish('ann', 0, 89);
  publish('bob', 0, 91);
  publish('cid', 0, 92);
  publish('ann', 1, 92);
  publish('dan', 0, 90);
  const loss = tails.takeLoss(0);
  t.match(loss, { keptSeq: 89, upToSeq: 92 });
  publish('eve', 0, 93);
  t.same(tails.lostOf(0, loss as never), { queues: ['bob', 'cid'], seqs: [91, 92] });
  clock.at += 1;
  tails.reset(0, { seq: 93, keptSeq: 89, at: clock.at });
  t.ok(publish('fay', 0, 94), 'after the check the count goes on from the end that was found');
});

t.test('further proofs of a loss that was dealt with find nothing new', async (t) => {
  const { tails, publish, clock } = setTails();
  publish('ann', 0, 100);
  const late = [tails.begin('bob', 0), tails.begin('cid', 0), tails.begin('dan', 0)] as const;
  t.notOk(publish('eve', 0, 95));
  const toldAt = clock.at;
  clock.at += 1;
  tails.takeLoss(0);
  tails.reset(0, { seq: 95, keptSeq: 94, at: clock.at });
  t.ok(tails.stored(late[0], 96));
  t.same(tails.told([{ shard: 0, seq: 100, at: toldAt }]), []);
  t.equal(tails.lastSeq(0), 96, 'an end from before the check is not taken');
  t.notOk(tails.stored(late[1], 92), 'the loss began lower than the check knew');
  t.match(tails.takeLoss(0), { keptSeq: 91 });
});

t.test('ends are told once, and all of them when that is asked', async (t) => {
  const { tails, publish, clock } = setTails();
  publish('ann', 1, 7);
  const at = clock.at;
  tails.told([{ shard: 2, seq: 4, at: 5 }]);
  t.same(tails.ends('changed'), [{ shard: 1, seq: 7, at }]);
  t.same(tails.ends('changed'), []);
  t.same(tails.ends('all'), [
    { shard: 1, seq: 7, at },
    { shard: 2, seq: 4, at: 5 },
  ]);
  t.same(tails.told([{ shard: 3, seq: 4, at: 5 }]), [], 'a shard that does not exist is ignored');
});

t.test('the oldest publishes are overwritten, and late answers to them are ignored', async (t) => {
  const { tails, clock } = setTails(2);
  const first = tails.begin('ann', 1);
  tails.begin('bob', 2);
  const third = tails.begin('cid', 1);
  t.ok(tails.stored(first, 7));
  t.ok(tails.stored(third, 9));
  const loss = { keptSeq: 0, upToSeq: 9, foundAt: clock.at };
  t.same(tails.lostOf(1, loss), { queues: ['cid'], seqs: [9] });
  t.same(tails.lostOf(2, loss), { queues: [], seqs: [] }, 'no answer, no loss: it is sent again');
});

t.test('the end of an earlier hold does not end a later one', async (t) => {
  const { tails } = setTails();
  const ends: (() => void)[] = [];
  const hold = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
  tails.holdUntil(hold());
  const second = hold();
  tails.holdUntil(second);
  ends[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(tails.hold, second);
  ends[1]?.();
  await second;
  t.equal(tails.hold, undefined);
});
