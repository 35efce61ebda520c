import t from 'tap';
import { makeSigner } from '../stage/key-server.ts';
import { KeySet } from './key-set.ts';
import { readKeySet, type SigningKey } from './signing-key.ts';

const MINUTE_MS = 60_000;
const { jwk: first } = await makeSigner('k1');
const { jwk: second } = await makeSigner('k2');
const { jwk: replacement } = await makeSigner('k1');

const keysOf = (...keys: object[]): SigningKey[] => readKeySet(JSON.stringify({ keys }));

function rig() {
  const set = new KeySet();
  const known = keysOf(first, second);
  set.adopt(known, 0);
  return { set, stolen: known[0] as SigningKey, other: known[1] as SigningKey };
}

t.test('a key is withdrawn once two answers with other keys lack it, 10 s apart', async (t) => {
  const { set, stolen, other } = rig();
  t.same(set.adopt(keysOf(second), 15_000), []);
  t.same(set.adopt(keysOf(second), 24_999), [], 'too soon after the first');
  t.same(set.named('k1'), [stolen], 'until then it is good');
  t.same(set.adopt(keysOf(second), 25_000), [stolen]);
  t.ok(stolen.isWithdrawn);
  t.same(set.named('k1'), []);
  t.ok(set.isWithdrawn('k1'));
  t.same(set.named('k2'), [other], 'the same key is the same object');
  t.notOk(other.isWithdrawn);
});

t.test('a key that one answer lacks and the next one has was never withdrawn', async (t) => {
  const { set, stolen } = rig();
  for (let n = 1; n < 10; n += 1) {
    t.same(set.adopt(keysOf(second), n * MINUTE_MS), []);
    t.same(set.adopt(keysOf(first, second), n * MINUTE_MS + 15_000), []);
  }
  t.same(set.named('k1'), [stolen]);
});

t.test('another key under the name of the old one ends the old one alone', async (t) => {
  const { set, stolen } = rig();
  set.adopt(keysOf(replacement, second), 15_000);
  t.equal(set.named('k1').length, 2);
  set.adopt(keysOf(replacement, second), 30_000);
  t.ok(stolen.isWithdrawn);
  t.match(set.named('k1'), [{ isWithdrawn: false }]);
  t.notOk(set.isWithdrawn('k1'));
});

t.test('an empty set changes nothing, unless it is all there is for 5 minutes', async (t) => {
  const { set, stolen, other } = rig();
  for (let s = 15; s < 300; s += 15) t.same(set.adopt([], s * 1_000), [], `${s} s`);
  t.same(set.adopt(keysOf(first, second), 300_000), []);
  t.same(set.adopt([], 310_000), [], 'it begins anew');
  t.same(set.adopt([], 609_999), []);
  t.same(set.adopt([], 610_000), [stolen, other]);
  t.equal(set.size, 0);
});

t.test('a key that comes back is good again, and what was withdrawn is not', async (t) => {
  const { set, stolen } = rig();
  set.adopt(keysOf(second), 15_000);
  set.adopt(keysOf(second), 30_000);
  set.adopt(keysOf(first, second), 45_000);
  t.notOk(set.isWithdrawn('k1'));
  t.match(set.named('k1'), [{ isWithdrawn: false }]);
  t.ok(stolen.isWithdrawn);
});

t.test('the names of 64 withdrawn keys are remembered', async (t) => {
  const { set } = rig();
  for (let n = 0; n < 65; n += 1) {
    set.adopt(keysOf({ ...first, kid: `old-${n}` }, second), n * MINUTE_MS);
  }
  set.adopt(keysOf(second), 70 * MINUTE_MS);
  set.adopt(keysOf(second), 71 * MINUTE_MS);
  t.notOk(set.isWithdrawn('old-0'));
  t.ok(set.isWithdrawn('old-64'));
});

t.test('an answer without a usable key is no set of keys', async (t) => {
  for (const text of ['', '<html>', 'null', '[]', '{}', '{"keys":{}}', '{"keys":[null]}']) {
    t.throws(() => readKeySet(text), { name: 'BadKeySetError' }, text);
  }
  const { jwk: short } = await makeSigner('short', 'RS256');
  const bad = [
    { ...first, use: 'enc' },
    { ...first, alg: 'RS256' },
    { ...first, x: 'AA' },
    { ...first, crv: 'secp256k1' },
    { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' },
    { ...short, n: short.n?.slice(0, 171) },
  ];
  for (const jwk of bad) t.throws(() => keysOf(jwk), { name: 'BadKeySetError' });
  t.equal(keysOf(...bad, first).length, 1, 'a bad key hurts no other');
  t.equal(keysOf(first, first).length, 1);
  t.same(keysOf(), [], 'an empty set is one');
  t.throws(() => keysOf(...Array.from({ length: 65 }, () => first)), { name: 'BadKeySetError' });
});
