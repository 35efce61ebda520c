import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchOptions } from './options/options.ts';
import { findEdge, readTarget, type Target } from './options/target.ts';
import { createReport, type Report } from './report/report.ts';
import { Measurements } from './usage/measurements.ts';
import { Workers } from './workers/workers.ts';

export type BenchDeps = {
  signal: AbortSignal;
  /** The run calls this with one line that says how far it is. */
  tell(line: string): void;
};

type Run = { options: BenchOptions; target: Target; workers: Workers; looks: Measurements };
type Times = { connectMs: number; killedAt: number | undefined };

const MS_PER_S = 1_000;
const TELL_MS = 1_000;
/** The first message is sent this long after all workers were told to begin. */
const START_MS = 300;
const QUIET_MS = 700;
const QUIET_MAX_MS = 10_000;
const FINISH_MS = 5_000;

/**
 * Carries out one run, in these steps:
 *
 *     tokens → connect the away devices once → measure the idle stack → connect all others
 *       → open the conversations → hold without sending → warm up → measure → settle → close
 *
 * Rejects if the run could not be carried out, or was aborted. Everything is closed then too.
 */
export async function runBench(options: BenchOptions, deps: BenchDeps): Promise<Report> {
  const { signal, tell } = deps;
  const target = readTarget(options);
  if (options.reconnectKill !== undefined) findEdge(target, options.reconnectKill);
  const workers = new Workers(options.processes);
  const looks = new Measurements(target, workers.pids);
  const run: Run = { options, target, workers, looks };
  const telling = setInterval(() => tell(progressLine(workers)), TELL_MS);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')));
  });
  try {
    return await Promise.race([carryOut(run, tell), aborted]);
  } catch (error) {
    const closed = workers.call('finish', () => undefined);
    await Promise.race([closed, delay(FINISH_MS)]).catch(() => tell('a process ended early'));
    throw error;
  } finally {
    clearInterval(telling);
    workers.end();
  }
}

async function carryOut(run: Run, tell: BenchDeps['tell']): Promise<Report> {
  const { options, target, workers, looks } = run;
  const seed = options.seed ?? randomBytes(8).toString('hex');
  tell('asking for tokens');
  await workers.call('prepare', (worker) => ({
    options: { ...options, seed },
    worker,
    workers: options.processes,
    edges: target.edges,
    kaha: target.kaha,
  }));
  if (options.away > 0) {
    await looks.look('start');
    await workers.call('visit', () => undefined);
  }
  await looks.look('base');
  const startedAt = Date.now();
  await workers.call('connect', () => undefined);
  const times: Times = { connectMs: Date.now() - startedAt, killedAt: undefined };
  await looks.look('connected');
  if (options.idle) await rest(run);
  else await converse(run, { times, tell });
  await looks.look('end');
  const results = await workers.call('finish', () => undefined);
  return createReport({ options, target, looks: looks.looks, results, ...times });
}

/** Measures what the connections cost by themselves, once the work of opening them is over. */
async function rest({ options, looks }: Run): Promise<void> {
  await delay(options.warmupS * MS_PER_S);
  await looks.look('windowStart');
  await delay(options.durationS * MS_PER_S);
  await looks.look('windowEnd');
}

async function converse(
  run: Run,
  { times, tell }: { times: Times; tell: BenchDeps['tell'] },
): Promise<void> {
  const { options, workers, looks } = run;
  tell('opening conversations');
  await workers.call('converse', () => undefined);
  await untilQuiet(run);
  if (options.holdS > 0) {
    tell('holding the connections');
    await looks.look('holdStart');
    await delay(options.holdS * MS_PER_S);
    await looks.look('holdEnd');
  }
  await looks.look('ready');
  const startAt = Date.now() + START_MS;
  const windowStartsAt = startAt + options.warmupS * MS_PER_S;
  const windowMs = options.durationS * MS_PER_S;
  await Promise.all([
    workers.call('run', () => startAt),
    untilTime(windowStartsAt).then(() => looks.look('windowStart')),
    untilTime(windowStartsAt + windowMs).then(() => looks.look('windowEnd')),
    options.reconnectKill === undefined
      ? undefined
      : untilTime(windowStartsAt + windowMs / 2).then(() => kill(run, times)),
  ]);
}

/**
 * Kills an edge. The stack's file may have changed since the start, so it is read again for the
 * current pid.
 */
async function kill({ options, workers }: Run, times: Times): Promise<void> {
  const { pid, edge } = findEdge(readTarget(options), options.reconnectKill as string);
  const told = workers.call('loseEdge', () => edge);
  process.kill(pid, 'SIGKILL');
  times.killedAt = Date.now();
  await told;
}

/**
 * Resolves once events have stopped coming. By then the news of new conversations has reached
 * everybody.
 */
async function untilQuiet({ workers }: Run): Promise<void> {
  const endsAt = Date.now() + QUIET_MAX_MS;
  let last = -1;
  while (Date.now() < endsAt) {
    await delay(QUIET_MS);
    const { events } = workers.progress();
    if (events === last) return;
    last = events;
  }
}

async function untilTime(atMs: number): Promise<void> {
  await delay(Math.max(0, atMs - Date.now()));
}

function progressLine(workers: Workers): string {
  const progress = workers.progress();
  const { ready, waiting, dead, away, sent, acknowledged, delivered, backlogMs } = progress;
  const parts = [`${ready} connected`];
  if (away > 0) parts.push(`${away} away`);
  if (waiting > 0) parts.push(`${waiting} waiting`);
  if (dead > 0) parts.push(`${dead} refused`);
  if (sent > 0) parts.push(`${sent} sent`, `${acknowledged} acknowledged`);
  if (delivered > 0) parts.push(`${delivered} delivered`, `oldest due ${Math.round(backlogMs)} ms`);
  return parts.join(', ');
}
