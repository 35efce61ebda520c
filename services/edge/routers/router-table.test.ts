import t from 'tap';
import { RouterTable } from './router-table.ts';

t.test('a router counts as alive until it is silent for 3.5 s or says goodbye', async (t) => {
  const table = new RouterTable();
  t.equal(table.first('key'), undefined);
  table.heard('router-2', 0);
  table.heard('router-1', 1_000);
  t.same(table.instances, ['router-1', 'router-2']);
  table.expire(3_500);
  t.same(table.instances, ['router-1', 'router-2']);
  table.expire(3_501);
  t.same(table.instances, ['router-1']);
  t.equal(table.first('key'), 'router-1');
  table.remove('router-1');
  table.remove('router-1');
  t.equal(table.first('key'), undefined);
  table.heard('router-1', 4_000);
  t.same(table.instances, ['router-1']);
});
