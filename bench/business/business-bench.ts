import { setTimeout as delay } from 'node:timers/promises';
import { readSecrets } from '../../dev/servers/secrets.ts';
import { type BenchDeps, runBench } from '../bench.ts';
import { parseOptions } from '../options/options.ts';
import { readTarget, type Target } from '../options/target.ts';
import type { Report } from '../report/report.ts';
import { createUsageReport, type UsageReport } from '../report/usage-report.ts';
import { Measurements } from '../usage/measurements.ts';
import { BusinessCrowd } from './business-crowd.ts';
import { BusinessLoad } from './business-load.ts';
import type { BusinessOptions } from './business-options.ts';
import { agentListOf, type BusinessPeople, peopleOf } from './business-people.ts';
import { type BusinessReport, createBusinessReport, type Round } from './business-report.ts';
import { readRouterCounter } from './router-counter.ts';
import { putAsService } from './service-door.ts';

type Run = {
  options: BusinessOptions;
  target: Target;
  people: BusinessPeople;
  serviceToken: string;
  crowd: BusinessCrowd;
  load: BusinessLoad;
};

const MS_PER_S = 1_000;
const TELL_MS = 1_000;
const POLL_MS = 50;
const AVAILABLE_WAIT_MS = 60_000;
/** Nobody writes more than once in two seconds, which is far below the limit of a person. */
const BESIDE_PEOPLE_PER_MESSAGE = 2;
/** Cleaning up may take this long, also after Ctrl-C. */
const CLEAN_MS = 60_000;
const SWEEP_FINDS = 'kaha_assignment_sweep_finds_total';

/**
 * Carries out one run, in these steps:
 *
 *     tokens → register the businesses → connect all → agents become available
 *       → rounds (warm up → measure → wait until all is closed → direct messages alone)
 *       → close the rest → take the agents off → close all connections
 *
 * Rejects if the run could not be carried out, or was aborted. Cleaned up is then too.
 */
export async function runBusinessBench(
  options: BusinessOptions,
  { signal, tell }: BenchDeps,
): Promise<BusinessReport> {
  const target = readTarget({ stack: options.stack, edges: undefined, kaha: undefined });
  const { edges, kaha } = target;
  const people = peopleOf({ ...options, edges: edges.length });
  const serviceToken = readSecrets(options.data).edgeServiceToken;
  tell('asking for tokens');
  const crowd = await BusinessCrowd.prepare({ edges, kaha, people });
  const { connections, requests } = crowd;
  const load = new BusinessLoad({ options, people, connections, requests });
  crowd.onTold = (agent, conversation) => load.told(agent, conversation);
  const run: Run = { options, target, people, serviceToken, crowd, load };
  const telling = setInterval(() => tell(progressLine(run)), TELL_MS);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')));
  });
  const startedAt = Date.now();
  try {
    const { rounds, sweepFinds } = await Promise.race([measure(run, { signal, tell }), aborted]);
    await load.closeRest();
    const seconds = Math.round((Date.now() - startedAt) / MS_PER_S);
    return createBusinessReport({ options, crowd, load, rounds, sweepFinds, seconds });
  } finally {
    clearInterval(telling);
    load.pause();
    await Promise.race([cleanUp(run), delay(CLEAN_MS)]).catch((error: unknown) => {
      process.stderr.write(`not cleaned up: ${(error as Error).message}\n`);
    });
    crowd.close();
  }
}

async function measure(run: Run, deps: BenchDeps) {
  const { options, target, crowd } = run;
  deps.tell('registering businesses');
  await register(run, (business) => agentListOf(business, run.people, options.capacity));
  await crowd.connect(options.connectRatePerS);
  await untilAvailable(run);
  const before = await readRouterCounter(target, SWEEP_FINDS);
  const rounds: Round[] = [];
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await play(run, deps));
  const sweepFinds = (await readRouterCounter(target, SWEEP_FINDS)) - before;
  return { rounds, sweepFinds };
}

/** Measures once with conversations, and then, to compare, once without them. */
async function play(run: Run, deps: BenchDeps): Promise<Round> {
  const { load, options } = run;
  const { besidePerS, rounds, warmupS, holdS, settleS } = options;
  load.start();
  await delay(warmupS * MS_PER_S, undefined, { signal: deps.signal });
  load.isTiming = true;
  const isBeside = besidePerS > 0;
  const beside = isBeside ? await runBeside(options, deps) : undefined;
  const usage = isBeside ? undefined : await watchUsage(run, deps);
  load.isTiming = false;
  load.pause();
  await load.untilClosed((holdS + settleS) * MS_PER_S);
  const isCompared = isBeside && rounds > 1;
  return { beside, usage, alone: isCompared ? await runBeside(options, deps) : undefined };
}

/** Lets the conversations go on for the duration, and measures what the closed ones cost. */
async function watchUsage(run: Run, { signal }: BenchDeps): Promise<UsageReport> {
  const { target, options, crowd, load } = run;
  const looks = new Measurements(target, [process.pid]);
  await looks.look('ready');
  await looks.look('windowStart');
  const before = load.chats.counts.closed;
  await delay(options.durationS * MS_PER_S, undefined, { signal });
  const messages = load.chats.counts.closed - before;
  await looks.look('windowEnd');
  await looks.look('end');
  return createUsageReport({ looks: looks.looks, messages, connections: crowd.readyCount });
}

/** Sends direct messages between people of their own, in processes of their own. */
function runBeside(options: BusinessOptions, deps: BenchDeps): Promise<Report> {
  const { besidePerS, durationS, warmupS, seed, stack } = options;
  const flags = {
    ...{ connections: besidePerS * BESIDE_PEOPLE_PER_MESSAGE, rate: besidePerS },
    ...{ duration: durationS, warmup: warmupS, seed: `${seed}:beside`, stack },
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const parsed = parseOptions(args);
  if (parsed === 'help') throw new Error('no run');
  return runBench(parsed, deps);
}

function register(run: Run, agentsFor: (business: number) => object[]): Promise<void> {
  const { target, serviceToken, people } = run;
  const puts = people.businessIds.map((id, business) => ({
    ...{ path: `/businesses/${id}/agents`, body: { agents: agentsFor(business) } },
  }));
  return putAsService({ edges: target.edges, serviceToken }, puts);
}

async function untilAvailable({ crowd, people }: Run): Promise<void> {
  const endsAt = Date.now() + AVAILABLE_WAIT_MS;
  while (crowd.availableCount < people.agents) {
    if (Date.now() > endsAt) {
      throw new Error(`only ${crowd.availableCount} of ${people.agents} agents are available`);
    }
    await delay(POLL_MS);
  }
}

/** Leaves nothing open, and businesses without agents, of which sweeps have nothing to look at. */
async function cleanUp(run: Run): Promise<void> {
  await run.load.closeRest();
  await register(run, () => []);
}

function progressLine({ crowd, load }: Run): string {
  const { opened, assigned, closed } = load.chats.counts;
  const connected = `${crowd.readyCount} connected, ${crowd.availableCount} agents available`;
  return `${connected}, ${opened} opened, ${assigned} assigned, ${closed} closed`;
}
