import { GENERATOR, type Look, type Moment } from '../usage/measurements.ts';
import type { ProcessUsage } from '../usage/process-usage.ts';

export type UsageParts = {
  looks: Partial<Record<Moment, Look>>;
  /** Acknowledged ones that were due within the window. */
  messages: number;
};

export type ProcessReport = {
  name: string;
  service: string;
  /** Within the window. */
  cpuS: number;
  /** Of one core. */
  cpuPercent: number;
  /** Bytes before anybody connected, with all connected, and at the end. */
  rss: { base: number; connected: number; end: number };
  pss: { base: number; connected: number; end: number };
};

export type UsageReport = {
  windowS: number;
  messages: number;
  processes: ProcessReport[];
  /** CPU seconds for 1000 messages by service, the generator apart; empty without messages. */
  cpuSPer1000: Record<string, number>;
  cpuSPer1000Total: number;
  /** Of the database since the conversations were there, settling included. */
  database: { transactions: number; walBytes: number } | undefined;
};

/** What each process used while it was measured. One that is gone at the end has no CPU time. */
export function createUsageReport({ looks, messages }: UsageParts): UsageReport {
  const { windowStart, windowEnd } = looks;
  const windowS = ((windowEnd?.atMs ?? 0) - (windowStart?.atMs ?? 0)) / 1_000;
  const processes = (windowStart?.processes ?? []).map((start) => {
    const end = find(windowEnd, start);
    const cpuS = end === undefined ? 0 : end.cpuS - start.cpuS;
    return {
      name: start.name,
      service: start.service,
      cpuS: round(cpuS, 2),
      cpuPercent: round((cpuS / windowS) * 100, 1),
      rss: memoryOf(looks, start, 'rssBytes'),
      pss: memoryOf(looks, start, 'pssBytes'),
    };
  });
  const cpuSPer1000: Record<string, number> = {};
  for (const { service, cpuS } of processes) {
    if (service === GENERATOR || messages === 0) continue;
    cpuSPer1000[service] = round((cpuSPer1000[service] ?? 0) + (cpuS * 1_000) / messages, 4);
  }
  const total = Object.values(cpuSPer1000).reduce((sum, value) => sum + value, 0);
  const database = databaseOf(looks);
  return { windowS, messages, processes, cpuSPer1000, cpuSPer1000Total: round(total, 4), database };
}

function memoryOf(
  looks: UsageParts['looks'],
  process: ProcessUsage,
  field: 'rssBytes' | 'pssBytes',
): ProcessReport['rss'] {
  const at = (moment: Moment): number => find(looks[moment], process)?.[field] ?? 0;
  return { base: at('base'), connected: at('connected'), end: at('end') };
}

function find(look: Look | undefined, { name, pid }: ProcessUsage): ProcessUsage | undefined {
  return look?.processes.find((process) => process.name === name && process.pid === pid);
}

function databaseOf({ ready, end }: UsageParts['looks']): UsageReport['database'] {
  const [before, after] = [ready?.database, end?.database];
  if (before === undefined || after === undefined) return undefined;
  return {
    transactions: after.transactions - before.transactions,
    walBytes: after.walBytes - before.walBytes,
  };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
