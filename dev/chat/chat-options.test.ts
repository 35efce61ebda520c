import t from 'tap';
import { businessSetUps } from '../kaha/people.ts';
import { HELP, readOptions } from './chat-options.ts';

const ASHA = '11111111-0000-4000-8000-000000000001';
const BIKRAM = '11111111-0000-4000-8000-000000000002';
const [himal, cafe] = businessSetUps();
const read = (line: string) => readOptions(line.split(' '));

t.test('people and businesses are given by UUID, or by how their names begin', async (t) => {
  t.match(read(`--as ${ASHA}`), { userId: ASHA, purpose: { kind: 'listen' }, edge: 1 });
  t.match(read('--as asha --with bik'), { purpose: { kind: 'with', userIds: [BIKRAM] } });
  t.match(read('--as Asha --business himal'), {
    purpose: { kind: 'customer', businessId: himal?.id },
  });
  t.match(read('--as laxmi --inbox kaha --edge 2'), {
    userId: cafe?.agents[0]?.user_id,
    purpose: { kind: 'agent', businessId: cafe?.id },
    edge: 2,
  });
});

t.test('a name that nobody has is refused', async (t) => {
  t.throws(() => read('--as zoe'), /"zoe" is neither/);
  t.throws(() => readOptions(['--as', '']), /neither/);
  t.throws(() => read(`--as ${ASHA}0`), /neither/);
  t.throws(() => read('--as asha --business asha'), /Himal Books/);
});

t.test('a command line without a person, or with two purposes, is refused', async (t) => {
  t.throws(() => readOptions([]), /--as/);
  t.throws(() => read('--as asha --business himal --inbox himal'), /do not go together/);
  t.throws(() => read('--as asha --nonsense'), /nonsense/);
});

t.test('--help asks for the help, which tells of businesses', async (t) => {
  t.equal(read('--help'), 'help');
  for (const part of ['--business', '--inbox', '/transfer']) t.match(HELP, part);
});
