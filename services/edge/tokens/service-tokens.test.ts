import { createHash } from 'node:crypto';
import t from 'tap';
import { ServiceTokens } from './service-tokens.ts';

t.test('a token is found only as a whole, and each by its index', async (t) => {
  const [one, other] = ['a'.repeat(32), 'b'.repeat(48)] as [string, string];
  const tokens = new ServiceTokens([one, other]);
  t.equal(tokens.find(one), 0);
  t.equal(tokens.find(other), 1);
  for (const wrong of ['', 'a', `${one} `, `${one}a`, one.slice(1), one.toUpperCase()]) {
    t.equal(tokens.find(wrong), undefined, wrong);
  }
  t.equal(new ServiceTokens([]).find(''), undefined);
});

t.test('a token has a name that anybody who has the token can compute', async (t) => {
  const tokens = new ServiceTokens(['a'.repeat(32), 'b'.repeat(48)]);
  const expected = createHash('sha256').update('b'.repeat(48)).digest('hex').slice(0, 8);
  t.equal(tokens.nameOf(1), expected);
  t.not(tokens.nameOf(0), expected);
  t.throws(() => tokens.nameOf(2));
});
