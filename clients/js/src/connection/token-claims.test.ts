import t from 'tap';
import { readClaims } from './token-claims.ts';

const tokenOf = (claims: unknown): string =>
  `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

t.test('the claims of a JWT are read', async (t) => {
  t.match(readClaims(tokenOf({ sub: 'ann', exp: 12, name: '>>>???ÿ' })), { sub: 'ann', exp: 12 });
});

t.test('what is no JWT has no claims', async (t) => {
  const bad = ['', 'opaque', 'a.b.c', 'a.!!.c', tokenOf(null)];
  for (const token of bad) t.same(readClaims(token), {}, token);
});
