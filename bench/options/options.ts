import { parseArgs } from 'node:util';
import { flickersFor } from '../traffic/mix-rates.ts';
import { numbersOf, OptionsError } from './numbers-of.ts';

export type AuthWay = 'header' | 'subprotocol' | 'frame';

export type BenchOptions = {
  connections: number;
  ratePerS: number;
  durationS: number;
  warmupS: number;
  settleS: number;
  groupSize: number;
  devices: number;
  /** Each person has this many further devices, which connect once and are away then. */
  away: number;
  contentBytes: number;
  connectRatePerS: number;
  processes: number;
  auth: AuthWay;
  ackIntervalMs: number;
  idle: boolean;
  /** Everybody is connected for this long before the first message, and nobody sends. */
  holdS: number;
  mix: boolean;
  sameEdge: boolean;
  reconnectKill: string | undefined;
  reconnectWindowS: number;
  /** The run fails if somebody was not back so soon after the edge was killed. */
  backWithinS: number | undefined;
  seed: string | undefined;
  stack: string;
  edges: string[] | undefined;
  kaha: string | undefined;
  json: string | undefined;
};

export const HELP = `Measures a running stack with clients of its own.

  npm run bench -- [options]
  npm run bench -- --business --help   measures businesses instead, with options of its own

  --connections <n>        sockets to hold (default 1000)
  --rate <n>               messages a second of all together, sent by the clock (default 100)
  --duration <s>           how long is measured (default 30), after --warmup <s> (default 5)
  --settle <s>             how long to wait at the end for what is missing (default 30)
  --group-size <n>         people in a conversation, 2 (direct) to 8 (default 2)
  --devices <n>            sockets of each person (default 1)
  --away <n>               further devices of each person: they connect once before all else,
                           acknowledge what comes, and are away then (default 0)
  --content-bytes <n>      length of a message (default 100)
  --same-edge              conversations within one edge; else across edges

  --mix                    beside each 100 messages 120 reads, 60 typing, 20 presence changes
  --idle                   send nothing, only hold the connections for the duration and tell
                           what they cost; the same as --rate 0
  --hold <s>               hold the connections for so long before the first message, and tell
                           apart what they cost and what messages cost (default 0)
  --reconnect-kill <name>  kill -9 this edge in the middle of the duration; its clients come back
                           to the others, at random, within --reconnect-window <s> (default 10)
  --back-within <s>        fail unless all are back so soon after the kill

  --connect-rate <n>       connections opened a second (default 1000)
  --auth <way>             header, subprotocol or frame (default header)
  --ack-interval-ms <ms>   acknowledge so often; 0 is at once (default 0)
  --processes <n>          of the generator (default one for each 10 000 connections)
  --fresh                  people who never connected before; else the same in every run, or
  --seed <text>            those of this name (default "bench")
  --stack <file>           what runs (default .run/stack.json)
  --edges <url,url>        edges to connect to instead of those of the stack
  --kaha <url>             where tokens come from instead of the stack's stand-in
  --json <file>            write the report there as well

Exit status: 0 all arrived once and in order, 1 not so, 2 it could not run, 130 interrupted.
`;

/** A person has 10 device queues at most; an eleventh device takes the place of another. */
const DEVICES_MAX = 10;
/** A person may send 10 messages a second. Two of them are left for uneven turns. */
const SENDS_PER_S_MAX = 8;
const CONNECTIONS_PER_PROCESS = 10_000;
const RECEIVERS_MAX = 32;
const AUTH_WAYS: readonly string[] = ['header', 'subprotocol', 'frame'];

const FLAGS = {
  connections: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '100' },
  duration: { type: 'string', default: '30' },
  warmup: { type: 'string', default: '5' },
  settle: { type: 'string', default: '30' },
  'group-size': { type: 'string', default: '2' },
  devices: { type: 'string', default: '1' },
  away: { type: 'string', default: '0' },
  'content-bytes': { type: 'string', default: '100' },
  'connect-rate': { type: 'string', default: '1000' },
  processes: { type: 'string' },
  auth: { type: 'string', default: 'header' },
  'ack-interval-ms': { type: 'string', default: '0' },
  idle: { type: 'boolean', default: false },
  hold: { type: 'string', default: '0' },
  mix: { type: 'boolean', default: false },
  'same-edge': { type: 'boolean', default: false },
  'reconnect-kill': { type: 'string' },
  'reconnect-window': { type: 'string', default: '10' },
  'back-within': { type: 'string' },
  fresh: { type: 'boolean', default: false },
  seed: { type: 'string', default: 'bench' },
  stack: { type: 'string', default: '.run/stack.json' },
  edges: { type: 'string' },
  kaha: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseFlags>;

/** Reads the command line. Returns 'help' if it asks for that. Throws an OptionsError. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const values = parseFlags(args);
  if (values.help) return 'help';
  const problems: string[] = [];
  const options = readValues(values, problems);
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

function readValues(values: Values, problems: string[]): BenchOptions {
  const number = numbersOf(values, problems);
  if (!AUTH_WAYS.includes(values.auth)) {
    problems.push(`--auth must be ${AUTH_WAYS.join(', ')}, not ${values.auth}`);
  }
  const connections = number('connections', { min: 1, max: 200_000 });
  const processes = Math.ceil(connections / CONNECTIONS_PER_PROCESS);
  const ratePerS = values.idle ? 0 : number('rate', { min: 0, max: 100_000, fraction: true });
  return {
    connections,
    ratePerS,
    durationS: number('duration', { min: 1, max: 3_600 }),
    warmupS: number('warmup', { min: 0, max: 600 }),
    settleS: number('settle', { min: 0, max: 600 }),
    groupSize: number('group-size', { min: 2, max: 8 }),
    devices: number('devices', { min: 1, max: DEVICES_MAX }),
    away: number('away', { min: 0, max: DEVICES_MAX - 1 }),
    contentBytes: number('content-bytes', { min: 1, max: 8_000 }),
    connectRatePerS: number('connect-rate', { min: 1, max: 50_000 }),
    processes:
      values.processes === undefined ? processes : number('processes', { min: 1, max: 16 }),
    auth: values.auth as AuthWay,
    ackIntervalMs: number('ack-interval-ms', { min: 0, max: 30_000 }),
    idle: ratePerS === 0,
    holdS: number('hold', { min: 0, max: 600 }),
    mix: values.mix,
    sameEdge: values['same-edge'],
    reconnectKill: values['reconnect-kill'],
    reconnectWindowS: number('reconnect-window', { min: 0, max: 600, fraction: true }),
    backWithinS:
      values['back-within'] === undefined ? undefined : number('back-within', { min: 1, max: 600 }),
    seed: values.fresh ? undefined : values.seed,
    stack: values.stack,
    edges: values.edges?.split(','),
    kaha: values.kaha,
    json: values.json,
  };
}

function conflictsOf(options: BenchOptions): string[] {
  const { connections, devices, away, groupSize, ratePerS, processes, reconnectKill } = options;
  const problems: string[] = [];
  const groups = Math.floor(connections / devices / groupSize);
  if (devices + away > DEVICES_MAX) {
    problems.push(`--devices and --away may be ${DEVICES_MAX} together at most`);
  }
  if (options.idle && options.holdS > 0) problems.push('--idle and --hold do not go together');
  if (options.idle && reconnectKill !== undefined) {
    problems.push('--idle and --reconnect-kill do not go together');
  }
  if (options.idle && options.mix) problems.push('--idle and --mix do not go together');
  if (options.idle) return problems;
  if (options.mix) problems.push(...mixProblems(options, groups));
  if (groupSize * devices > RECEIVERS_MAX) {
    problems.push(`--group-size × --devices may be ${RECEIVERS_MAX} at most`);
  }
  if (groups < processes) {
    problems.push(`--connections ${connections} are too few for a conversation in each process`);
  } else if (ratePerS > groups * groupSize * SENDS_PER_S_MAX) {
    const max = groups * groupSize * SENDS_PER_S_MAX;
    problems.push(`--rate may be ${max} at most with so few people (${SENDS_PER_S_MAX}/s each)`);
  }
  if (reconnectKill !== undefined && options.edges !== undefined) {
    problems.push('--reconnect-kill needs a stack, not --edges');
  }
  if (options.backWithinS !== undefined && reconnectKill === undefined) {
    problems.push('--back-within needs --reconnect-kill');
  }
  return problems;
}

/**
 * Finds too few conversations for the mix, because some of them only have a person who comes and
 * goes.
 */
function mixProblems({ devices, ratePerS }: BenchOptions, groups: number): string[] {
  if (devices > 1) return ['--mix and --devices do not go together'];
  const flickers = flickersFor(ratePerS);
  if (flickers <= groups / 2) return [];
  return [`--mix with --rate ${ratePerS} needs ${2 * flickers} conversations, not ${groups}`];
}
