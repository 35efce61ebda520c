import type { HistogramState } from '../figures/histogram.ts';
import type { Tally } from '../figures/tally.ts';
import type { AwayCounts } from '../fleet/away-devices.ts';
import type { BenchOptions } from '../options/options.ts';
import type { LedgerCounts } from '../traffic/ledger.ts';
import type { MixResult } from '../traffic/mix.ts';

/** The plan says what one process of the generator is to do. */
export type WorkerPlan = {
  options: BenchOptions & { seed: string };
  worker: number;
  workers: number;
  edges: string[];
  kaha: string;
};

export type Progress = {
  ready: number;
  waiting: number;
  dead: number;
  /** This many devices have connected once and left. */
  away: number;
  sent: number;
  acknowledged: number;
  delivered: number;
  /** This many events of any kind came through queues. */
  events: number;
  /** The oldest message has lacked its answer or a delivery for this long. */
  backlogMs: number;
};

/** The times are wall-clock times in ms. A time is undefined if its event did not happen. */
export type RecoveryTimes = { lost: number; backAt?: number; drainedAt?: number };

export type WorkerResult = {
  connections: number;
  ready: number;
  dead: number;
  resumed: number;
  /** This many device queues were new when a connection was ready for the first time. */
  queuesMade: number;
  away: AwayCounts;
  endings: Tally;
  ledger: LedgerCounts;
  conversations: number;
  conversationsNew: number;
  histograms: Record<'connect' | 'return' | 'ack' | 'delivery' | 'lag', HistogramState>;
  sentAgain: number;
  duplicates: number;
  acksSent: number;
  pings: { sent: number; answered: number };
  queueGaps: number;
  earlier: number;
  types: Tally;
  errors: Tally;
  recovery: RecoveryTimes;
  mix: MixResult | undefined;
};

/** The main process may make these calls to a worker, in this order. */
export type WorkerCalls = {
  prepare: { argument: WorkerPlan; result: number };
  /** Resolves when the devices that are to be away have connected and left. */
  visit: { argument: undefined; result: Progress };
  connect: { argument: undefined; result: Progress };
  converse: { argument: undefined; result: number };
  /** Begins at the given wall-clock ms. Resolves when all has arrived or time is up. */
  run: { argument: number; result: Progress };
  loseEdge: { argument: number; result: undefined };
  finish: { argument: undefined; result: WorkerResult };
};

export type CallName = keyof WorkerCalls;
export type ToWorker = {
  [Name in CallName]: {
    call: Name;
    argument: WorkerCalls[Name]['argument'];
  };
}[CallName];
export type FromWorker =
  | { done: CallName; result: unknown }
  | { failed: CallName; reason: string }
  | { progress: Progress };
