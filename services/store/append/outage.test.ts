import t from 'tap';
import { Outage } from './outage.ts';

t.test('sends wait for Postgres in the first 1.4 s of an outage, and not later', async (t) => {
  const outage = new Outage();
  t.ok(outage.mayWait(0, 200));
  t.ok(outage.mayWait(800, 1_400));
  t.notOk(outage.mayWait(801, 1_401));
  t.notOk(outage.mayWait(3_000, 3_200), 'a send that comes later is tried once');
});

t.test('an outage ends with a batch that was written', async (t) => {
  const outage = new Outage();
  t.notOk(outage.mayWait(0, 2_000));
  outage.end();
  t.ok(outage.mayWait(2_000, 2_200));
});

t.test('a failure long after the last one begins another outage', async (t) => {
  const outage = new Outage();
  outage.mayWait(0, 200);
  t.notOk(outage.mayWait(5_000, 5_200), 'it goes on');
  t.ok(outage.mayWait(10_001, 10_201));
});
