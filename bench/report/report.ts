import { Histogram, type Quantiles } from '../figures/histogram.ts';
import { addTallies, type Tally } from '../figures/tally.ts';
import type { AwayCounts } from '../fleet/away-devices.ts';
import type { BenchOptions } from '../options/options.ts';
import type { Target } from '../options/target.ts';
import type { LedgerCounts } from '../traffic/ledger.ts';
import type { Look, Moment } from '../usage/measurements.ts';
import type { WorkerResult } from '../workers/worker-calls.ts';
import { createHeapReport, type HeapReport } from './heap-report.ts';
import { addMixes, type MixReport, mixProblems } from './mix-report.ts';
import { createUsageReport, type UsageReport } from './usage-report.ts';

type ReportParts = {
  options: BenchOptions;
  target: Target;
  looks: Partial<Record<Moment, Look>>;
  results: readonly WorkerResult[];
  connectMs: number;
  killedAt: number | undefined;
};

const MS_PER_S = 1_000;

type HistogramName = keyof WorkerResult['histograms'];

/** All times are in milliseconds unless their name says otherwise. */
export type Report = {
  at: string;
  options: BenchOptions;
  connections: {
    wanted: number;
    ready: number;
    refused: number;
    /** This many sessions found their queue. */
    resumed: number;
    tookMs: number;
    perS: number;
    ms: Quantiles;
    endings: Tally;
  };
  /** The counts are of further devices of the same people, which connected once and left. */
  away: AwayCounts;
  conversations: { new: number; total: number };
  messages: LedgerCounts & { sentAgain: number; duplicates: number };
  latency: { ackMs: Quantiles; deliveryMs: Quantiles; lagMs: Quantiles };
  frames: { acks: number; pings: number; pongs: number; events: Tally; errors: Tally };
  queueGaps: number;
  earlier: number;
  recovery:
    | { lost: number; backMs: number | undefined; drainedMs: number | undefined; ms: Quantiles }
    | undefined;
  mix: MixReport | undefined;
  usage: UsageReport;
  natsHeap: HeapReport | undefined;
  /** The list says why the exit status is 1. It is empty if all is well. */
  problems: string[];
};

/** Puts together what all workers saw. */
export function createReport(parts: ReportParts): Report {
  const { options, results, connectMs } = parts;
  const sum = (pick: (result: WorkerResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  const quantiles = (name: HistogramName): Quantiles =>
    Histogram.from(results.map(({ histograms }) => histograms[name])).quantiles();
  const connected = quantiles('connect').count;
  const messages = addLedgers(results.map(({ ledger }) => ledger));
  const ackMs = quantiles('ack');
  const ready = sum((result) => result.ready);
  const away = addAway(results.map((result) => result.away));
  const queuesMade = away.queuesMade + sum((result) => result.queuesMade);
  const report: Report = {
    at: new Date().toISOString(),
    options,
    connections: {
      wanted: sum(({ connections }) => connections),
      ready,
      refused: sum(({ dead }) => dead),
      resumed: sum(({ resumed }) => resumed),
      tookMs: connectMs,
      perS: Math.round(connected / (connectMs / 1_000)),
      ms: quantiles('connect'),
      endings: addTallies(results.map(({ endings }) => endings)),
    },
    away,
    conversations: {
      new: sum(({ conversationsNew }) => conversationsNew),
      total: sum(({ conversations }) => conversations),
    },
    messages: {
      ...messages,
      sentAgain: sum(({ sentAgain }) => sentAgain),
      duplicates: sum(({ duplicates }) => duplicates),
    },
    latency: { ackMs, deliveryMs: quantiles('delivery'), lagMs: quantiles('lag') },
    frames: {
      acks: sum(({ acksSent }) => acksSent),
      pings: sum(({ pings }) => pings.sent),
      pongs: sum(({ pings }) => pings.answered),
      events: addTallies(results.map(({ types }) => types)),
      errors: addTallies(results.map(({ errors }) => errors)),
    },
    queueGaps: sum(({ queueGaps }) => queueGaps),
    earlier: sum(({ earlier }) => earlier),
    recovery: recoveryOf(parts, quantiles('return')),
    mix: addMixes(results.flatMap(({ mix }) => (mix === undefined ? [] : [mix]))),
    usage: createUsageReport({ ...parts, messages: ackMs.count, connections: ready }),
    natsHeap: createHeapReport({ ...parts, queues: ready + away.away, queuesMade }),
    problems: [],
  };
  report.problems = problemsOf(report);
  return report;
}

/** Returns when the last worker was back and drained, or undefined if no connection was lost. */
function recoveryOf({ results, killedAt }: ReportParts, ms: Quantiles): Report['recovery'] {
  const times = results.map(({ recovery }) => recovery).filter(({ lost }) => lost > 0);
  if (times.length === 0) return undefined;
  const latest = (name: 'backAt' | 'drainedAt'): number | undefined => {
    const found = times.map((time) => time[name]);
    if (killedAt === undefined || found.includes(undefined)) return undefined;
    return Math.max(...(found as number[])) - killedAt;
  };
  const lost = times.reduce((total, time) => total + time.lost, 0);
  return { lost, backMs: latest('backAt'), drainedMs: latest('drainedAt'), ms };
}

function addAway(all: readonly AwayCounts[]): AwayCounts {
  const sum = (name: 'wanted' | 'away' | 'queuesMade'): number =>
    all.reduce((total, counts) => total + counts[name], 0);
  return {
    wanted: sum('wanted'),
    away: sum('away'),
    queuesMade: sum('queuesMade'),
    endings: addTallies(all.map(({ endings }) => endings)),
  };
}

function addLedgers(ledgers: readonly LedgerCounts[]): LedgerCounts {
  const { failed: _, ...numbers } = ledgers[0] as LedgerCounts;
  const names = Object.keys(numbers) as (keyof typeof numbers)[];
  const sums = names.map((name) => [
    name,
    ledgers.reduce((total, ledger) => total + ledger[name], 0),
  ]);
  return {
    ...(Object.fromEntries(sums) as typeof numbers),
    failed: addTallies(ledgers.map(({ failed }) => failed)),
  };
}

function problemsOf(report: Report): string[] {
  const { messages, connections, away, queueGaps, mix } = report;
  const { missing, unanswered, repeatedToEye, outOfOrder, seqGaps, seqClashes, strayed } = messages;
  const counts: [number, string][] = [
    [missing, 'deliveries missing'],
    [unanswered, 'sends unanswered'],
    [repeatedToEye, 'messages seen twice'],
    [outOfOrder, 'deliveries out of order'],
    [seqGaps, 'gaps in seq'],
    [seqClashes, 'seqs given twice'],
    [strayed, 'messages at somebody else'],
    [queueGaps, 'gaps in queue numbers'],
    [connections.wanted - connections.ready, 'connections not there at the end'],
    [away.wanted - away.away, 'devices to be away never connected'],
  ];
  const all = [...counts, ...mixProblems(mix)];
  const counted = all.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [...counted, ...lateReturn(report)];
}

function lateReturn({ options, recovery }: Report): string[] {
  const { backWithinS } = options;
  if (backWithinS === undefined) return [];
  const backMs = recovery?.backMs ?? Infinity;
  return backMs <= backWithinS * MS_PER_S ? [] : [`not all back within ${backWithinS} s`];
}
