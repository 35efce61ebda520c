import t from 'tap';
import { readClaims } from './token-claims.ts';

const tokenOf = (claims: unknown): string =>
  `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

t.test('the claims of a JWT are read', async (t) => {
  t.same(readClaims(tokenOf({ sub: 'ann', exp: 12, name: '>>>???ÿ' })), { sub: 'ann', exp: 12 });
});

t.test('what is no JWT, or has claims of wrong types, has no claims', async (t) => {
  const bad = ['', 'opaque', 'a.b.c', 'a.!!.c', tokenOf(null), tokenOf({ sub: 7, exp: 'soon' })];
  for (const token of bad) t.same(readClaims(token), {}, token);
});
