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

t.test('good tokens that were unknown give back what they took, and bad ones do not', async (t) => {
  const { unknown } = new Admission(4);
  for (let good = 0; good < 100; good += 1) {
    t.ok(unknown.take(NOW));
    unknown.giveBack();
  }
  for (let bad = 0; bad < 4; bad += 1) t.ok(unknown.take(NOW));
  t.notOk(unknown.take(NOW));
  t.ok(unknown.take(NOW + 250));
});

t.test('a low rate lets somebody without a token in', async (t) => {
  const { withoutToken } = new Admission(1);
  t.ok(withoutToken.hasRoom(NOW));
  t.ok(withoutToken.take(NOW));
  t.notOk(withoutToken.hasRoom(NOW + 999));
  t.ok(withoutToken.hasRoom(NOW + 1_000));
});
