import t from 'tap';
import { ShardTails } from './shard-tails.ts';

t.test('a shard that gives a sequence number again has lost its tail', async (t) => {
  const tails = new ShardTails(2);
  t.ok(tails.acknowledged(0, 5, 0));
  t.ok(tails.acknowledged(1, 1, 0), 'each shard counts for itself');
  t.ok(tails.acknowledged(0, 4, 3), 'answers to publishes that overlap may overtake each other');
  t.equal(tails.lastSeq(0), 5);
  t.equal(tails.givenAgain(0), Number.POSITIVE_INFINITY);
  t.notOk(tails.acknowledged(0, 5, 5));
  t.notOk(tails.acknowledged(0, 4, 5));
  t.equal(tails.givenAgain(0), 4, 'the loss begins at the lowest of them');
  tails.reset(0, 3);
  t.equal(tails.givenAgain(0), Number.POSITIVE_INFINITY);
  t.ok(tails.acknowledged(0, 4, 3), 'after a check the count goes on from the end that was found');
});

t.test('the end of an earlier hold does not end a later one', async (t) => {
  const tails = new ShardTails(1);
  let endFirst = (): void => undefined;
  tails.holdUntil(
    new Promise((resolve) => {
      endFirst = resolve;
    }),
  );
  let endSecond = (): void => undefined;
  const second = new Promise<void>((resolve) => {
    endSecond = resolve;
  });
  tails.holdUntil(second);
  endFirst();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(tails.hold, second);
  endSecond();
  await second;
  t.equal(tails.hold, undefined);
});
