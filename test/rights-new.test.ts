import t from 'tap';
import { RIGHTS } from './permissions/rights-table.ts';
import { RightsTrial } from './permissions/try-rights.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const trial = await RightsTrial.set(system, 'new');

for (const row of RIGHTS.new) {
  t.test(`new: who may "${row.operation}" may do so, and nobody else`, async (t) => {
    t.same(await trial.tryRow(row), []);
  });
}
