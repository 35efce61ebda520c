import t from 'tap';
import { OptionsError } from '../options/numbers-of.ts';
import { type BusinessOptions, parseBusinessOptions } from './business-options.ts';

const parse = (line: string): BusinessOptions =>
  parseBusinessOptions(['--business', ...line.split(' ').filter(Boolean)]) as BusinessOptions;
const problemsOf = (line: string): string[] => {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof OptionsError) return error.message.split('\n');
    throw error;
  }
  return [];
};

t.test('without options there are defaults', async (t) => {
  const counts = { businesses: 1_000, agents: 2_000, customers: 5_000, ratePerS: 50 };
  t.match(parse(''), { ...counts, besidePerS: 0, rounds: 1, capacity: 5 });
  t.equal(parseBusinessOptions(['--business', '--help']), 'help');
});

t.test('all problems of a command line are reported together', async (t) => {
  t.equal(problemsOf('--businesses 0 --rate x --rounds 21').length, 3);
  t.match(problemsOf('--nonsense'), [/nonsense/]);
  t.match(problemsOf('--duration 601'), [/from 1 to 600/]);
});

t.test('numbers that do not go together are refused', async (t) => {
  t.match(problemsOf('--agents 999'), [/one for each business/]);
  t.match(problemsOf('--businesses 2 --agents 201'), [/100 for each business/]);
  t.match(problemsOf('--answer 11'), [/--hold/]);
  t.match(problemsOf('--rate 1000 --duration 600'), [/200000 at most/]);
});
