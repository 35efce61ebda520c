import t from 'tap';
import { OptionsError } from './numbers-of.ts';
import { type BenchOptions, parseOptions } from './options.ts';

const parse = (line: string): BenchOptions =>
  parseOptions(line.split(' ').filter(Boolean)) as never;
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
  t.match(parse(''), {
    connections: 1_000,
    ratePerS: 100,
    durationS: 30,
    groupSize: 2,
    away: 0,
    holdS: 0,
    processes: 1,
    auth: 'header',
    seed: 'bench',
    edges: undefined,
  });
});

t.test('a run has one process for each 10 000 connections unless told otherwise', async (t) => {
  t.equal(parse('--connections 10001').processes, 2);
  t.equal(parse('--connections 10001 --processes 4').processes, 4);
});

t.test('--fresh sets no seed, --edges takes a list, and --idle sends nothing', async (t) => {
  t.equal(parse('--fresh').seed, undefined);
  t.same(parse('--edges http://a:1,http://b:2').edges, ['http://a:1', 'http://b:2']);
  t.equal(parse('--idle --rate 5').ratePerS, 0);
  t.match(parse('--rate 0'), { ratePerS: 0, idle: true });
});

t.test('all problems of a command line are reported together', async (t) => {
  t.same(problemsOf('--connections 0 --duration x --group-size 9 --auth cookie').length, 4);
  t.match(problemsOf('--duration 1.5'), [/whole number/]);
  t.match(problemsOf('--duration'), [/duration/]);
  t.match(problemsOf('--nonsense'), [/nonsense/]);
});

t.test('a rate beyond the limit of each person is refused', async (t) => {
  t.same(problemsOf('--connections 100 --rate 800'), []);
  t.match(problemsOf('--connections 100 --rate 801'), [/800 at most/]);
});

t.test('options that do not go together are refused', async (t) => {
  t.match(problemsOf('--idle --reconnect-kill edge-1'), [/go together/]);
  t.match(problemsOf('--reconnect-kill edge-1 --edges http://a:1'), [/needs a stack/]);
  t.match(problemsOf('--back-within 15'), [/needs --reconnect-kill/]);
  t.same(problemsOf('--back-within 15 --reconnect-kill edge-1'), []);
  t.match(problemsOf('--connections 3 --processes 2 --rate 1'), [/too few/]);
  t.match(problemsOf('--group-size 8 --devices 5'), [/at most/]);
  t.match(problemsOf('--idle --mix'), [/go together/]);
  t.match(problemsOf('--idle --hold 5'), [/go together/]);
  t.match(problemsOf('--devices 3 --away 8'), [/10 together at most/]);
  t.same(problemsOf('--devices 3 --away 7'), []);
  t.match(problemsOf('--mix --devices 2'), [/go together/]);
  t.match(problemsOf('--mix --connections 1000 --rate 500'), [/needs 1400 conversations, not 500/]);
});

t.test('--help asks for the help', async (t) => {
  t.equal(parseOptions(['--help']), 'help');
});
