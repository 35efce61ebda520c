import t from 'tap';
import { ShardTails } from './shard-tails.ts';

t.test('a shard that acknowledges a sequence number twice has lost its tail', async (t) => {
  const tails = new ShardTails(2);
  t.ok(tails.advance(0, 5));
  t.ok(tails.advance(1, 1), 'each shard counts for itself');
  t.notOk(tails.advance(0, 5));
  t.notOk(tails.advance(0, 4));
  t.equal(tails.lastSeq(0), 5);
  tails.reset(0, 3);
  t.ok(tails.advance(0, 4), 'after a check the count goes on from the end that was found');
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
