import t from 'tap';
import { CLAIMED_MAX, LossClaims } from './loss-claims.ts';

const loss = (keptSeq: number, upToSeq: number) => ({ keptSeq, upToSeq, foundAt: 0 });

t.test('a loss is covered once each of its numbers is claimed', async (t) => {
  const claims = new LossClaims();
  claims.add(1, { seqs: [11, 13], upToSeq: 13, at: 0 });
  t.notOk(claims.cover(1, loss(10, 13)));
  claims.add(2, { seqs: [12], upToSeq: 12, at: 0 });
  t.notOk(claims.cover(1, loss(10, 13)), 'each shard has its own claims');
  claims.add(1, { seqs: [12], upToSeq: 12, at: 0 });
  t.ok(claims.cover(1, loss(10, 13)));
  t.notOk(claims.cover(1, loss(10, 14)));
});

t.test('another router may have been given higher numbers', async (t) => {
  const claims = new LossClaims();
  claims.add(1, { seqs: [11], upToSeq: 11, at: 0 });
  claims.add(1, { seqs: [13], upToSeq: 13, at: 0 });
  t.notOk(claims.cover(1, loss(10, 11)));
});

t.test('a long loss is never covered, and old claims are forgotten', async (t) => {
  const claims = new LossClaims();
  const seqs = Array.from({ length: CLAIMED_MAX + 1 }, (_, index) => index + 1);
  claims.add(1, { seqs, upToSeq: seqs.length, at: 0 });
  t.ok(claims.cover(1, loss(0, 5)) === false, 'its end is known from the claim');
  t.ok(claims.cover(1, loss(1, 5)));
  claims.add(1, { seqs: [], upToSeq: 0, at: 60_000 });
  t.notOk(claims.cover(1, loss(1, 5)));
  claims.forget(60_001);
  t.notOk(claims.cover(1, loss(1, 5)));
});
