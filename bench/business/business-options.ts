import { parseArgs } from 'node:util';
import { numbersOf, OptionsError } from '../options/numbers-of.ts';

export type BusinessOptions = {
  businesses: number;
  agents: number;
  customers: number;
  /** All customers together open this many conversations a second. */
  ratePerS: number;
  durationS: number;
  warmupS: number;
  settleS: number;
  /** Each agent may have this many conversations at once. */
  capacity: number;
  /** An agent answers this long after the assignment, and closes `holdS` after it. */
  answerS: number;
  holdS: number;
  /** This many direct messages a second are sent beside the conversations, or none if it is 0. */
  besidePerS: number;
  /** If there is more than one round, each is followed by the direct messages alone. */
  rounds: number;
  connectRatePerS: number;
  seed: string;
  stack: string;
  data: string;
  json: string | undefined;
};

export const BUSINESS_HELP = `Measures how soon businesses of a running stack assign conversations.

  npm run bench -- --business [options]

  --businesses <n>      (default 1000), with --agents <n> of all together (default 2000), who are
                        all available and watch their inbox
  --customers <n>       (default 5000), all connected too
  --rate <n>            conversations that they open a second, by the clock (default 50)
  --duration <s>        how long is measured (default 30), after --warmup <s> (default 5)
  --settle <s>          how long to wait at the end for what is not closed yet (default 30)
  --capacity <n>        conversations that an agent may have at once (default 5); with 1 many wait
  --answer <s>          how long after the assignment the agent answers (default 1), and
  --hold <s>            closes, so that a place is free again (default 10)
  --beside <n>          direct messages a second beside them, between people of their own
                        (default 0)
  --rounds <n>          measure so often; with --beside each round also measures the direct
                        messages alone, and the medians of their p99 are compared (default 1)
  --connect-rate <n>    connections opened a second (default 500)
  --seed <text>         people and businesses of this name (default "bench")
  --stack <file>        what runs (default .run/stack.json)
  --data <folder>       where its secrets are (default .data)
  --json <file>         write the report there as well

The time of an assignment runs from sent_at of the customer's first message to the event at the
agent's socket. Conversations that had to wait for a place are timed apart, from the close that
freed one. The clocks of the stack and of the generator must be the same. At the end all
conversations are closed and the businesses have no agents; closed conversations and device queues
stay, and those of people are used again by the next run.

Exit status: 0 all was assigned once and the sweeps found nothing, 1 not so, 2 it could not run,
130 interrupted.
`;

/** A run remembers each conversation, so it may open this many. */
const CONVERSATIONS_MAX = 200_000;
/** A manager sends this many agents at most in one list. */
const AGENTS_PER_BUSINESS_MAX = 100;

const FLAGS = {
  business: { type: 'boolean', default: true },
  businesses: { type: 'string', default: '1000' },
  agents: { type: 'string', default: '2000' },
  customers: { type: 'string', default: '5000' },
  rate: { type: 'string', default: '50' },
  duration: { type: 'string', default: '30' },
  warmup: { type: 'string', default: '5' },
  settle: { type: 'string', default: '30' },
  capacity: { type: 'string', default: '5' },
  answer: { type: 'string', default: '1' },
  hold: { type: 'string', default: '10' },
  beside: { type: 'string', default: '0' },
  rounds: { type: 'string', default: '1' },
  'connect-rate': { type: 'string', default: '500' },
  seed: { type: 'string', default: 'bench' },
  stack: { type: 'string', default: '.run/stack.json' },
  data: { type: 'string', default: '.data' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Reads the command line. Returns 'help' if it asks for that. Throws an OptionsError. */
export function parseBusinessOptions(args: readonly string[]): BusinessOptions | 'help' {
  const values = parseFlags(args);
  if (values.help) return 'help';
  const problems: string[] = [];
  const number = numbersOf(values, problems);
  const options: BusinessOptions = {
    businesses: number('businesses', { min: 1, max: 10_000 }),
    agents: number('agents', { min: 1, max: 50_000 }),
    customers: number('customers', { min: 1, max: 50_000 }),
    ratePerS: number('rate', { min: 1, max: 1_000, fraction: true }),
    durationS: number('duration', { min: 1, max: 600 }),
    warmupS: number('warmup', { min: 0, max: 600 }),
    settleS: number('settle', { min: 0, max: 600 }),
    capacity: number('capacity', { min: 1, max: 100 }),
    answerS: number('answer', { min: 0, max: 60, fraction: true }),
    holdS: number('hold', { min: 0, max: 600, fraction: true }),
    besidePerS: number('beside', { min: 0, max: 10_000 }),
    rounds: number('rounds', { min: 1, max: 20 }),
    connectRatePerS: number('connect-rate', { min: 1, max: 50_000 }),
    seed: values.seed,
    stack: values.stack,
    data: values.data,
    json: values.json,
  };
  if (problems.length === 0) problems.push(...conflictsOf(options));
  if (problems.length > 0) throw new OptionsError(problems.join('\n'));
  return options;
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS }).values;
  } catch (error) {
    throw new OptionsError((error as Error).message);
  }
}

function conflictsOf(options: BusinessOptions): string[] {
  const { businesses, agents, answerS, holdS, ratePerS, durationS, warmupS, rounds } = options;
  const problems: string[] = [];
  if (agents < businesses) problems.push('--agents must be one for each business at least');
  if (agents > businesses * AGENTS_PER_BUSINESS_MAX) {
    problems.push(`--agents may be ${AGENTS_PER_BUSINESS_MAX} for each business at most`);
  }
  if (answerS > holdS) problems.push('--answer must not be after --hold');
  const opened = ratePerS * (durationS + warmupS) * rounds;
  if (opened > CONVERSATIONS_MAX) {
    problems.push(
      `the run would open ${opened} conversations, and ${CONVERSATIONS_MAX} at most go`,
    );
  }
  return problems;
}
