import t from 'tap';
import { Admission } from './admission.ts';

const NOW = 1_000_000;

t.test('clients without a token have a quarter of the rate, and take nothing else', async (t) => {
  const { verified, withoutToken } = new Admission(40);
  const taken = Array.from({ length: 1_000 }, () => withoutToken.take(NOW)).filter(Boolean);
  t.equal(taken.length, 10);
  t.ok(withoutToken.take(NOW + 100), 'one more each tenth of a second');
  t.notOk(withoutToken.take(NOW + 100));
  const admitted = Array.from({ length: 100 }, () => verified.take(NOW)).filter(Boolean);
  t.equal(admitted.length, 40);
});

t.test('bad tokens that are told so have the rate apart', async (t) => {
  const { refused, verified } = new Admission(4);
  for (let bad = 0; bad < 4; bad += 1) t.ok(refused.take(NOW));
  t.notOk(refused.take(NOW));
  t.ok(refused.take(NOW + 250));
  t.ok(verified.hasRoom(NOW));
});

t.test('a low rate lets somebody without a token in', async (t) => {
  const { withoutToken } = new Admission(1);
  t.ok(withoutToken.hasRoom(NOW));
  t.ok(withoutToken.take(NOW));
  t.notOk(withoutToken.hasRoom(NOW + 999));
  t.ok(withoutToken.hasRoom(NOW + 1_000));
});
