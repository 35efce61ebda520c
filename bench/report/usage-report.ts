import { GENERATOR, type Look, type Moment } from '../usage/measurements.ts';
import type { ProcessUsage } from '../usage/process-usage.ts';

type UsageParts = {
  looks: Partial<Record<Moment, Look>>;
  /** This many acknowledged messages were due within the window. */
  messages: number;
  /** This many connections were ready at the end. */
  connections: number;
};

export type ProcessReport = {
  name: string;
  service: string;
  /** The process used this much CPU time within the window. */
  cpuS: number;
  /** The CPU time is a percentage of one core. */
  cpuPercent: number;
  /** A second costs this much CPU time for one connection, in microseconds. */
  cpuUsPerConnection: number;
  /**
   * The process used this percentage of one core while everybody was connected and nobody sent. It
   * exists only if that was measured.
   */
  heldPercent: number | undefined;
  /** 1000 messages cost this many CPU seconds beyond what holding the connections costs. */
  cpuSPer1000BeyondHeld: number | undefined;
  /** The sizes are in bytes before anybody connected, with all connected, and at the end. */
  rss: { base: number; connected: number; end: number };
  pss: { base: number; connected: number; end: number };
};

export type UsageReport = {
  windowS: number;
  messages: number;
  processes: ProcessReport[];
  /**
   * 1000 messages cost each service this many CPU seconds, without the generator. It is empty
   * without messages.
   */
  cpuSPer1000: Record<string, number>;
  cpuSPer1000Total: number;
  /**
   * Messages cost this part of the total. It exists only if holding the connections was measured.
   */
  cpuSPer1000BeyondHeldTotal: number | undefined;
  /** The database did this much since the conversations existed, settling included. */
  database: { transactions: number; walBytes: number } | undefined;
};

/**
 * Reports what each process used while it was measured. A process that is gone at the end has no
 * CPU time.
 */
export function createUsageReport(parts: UsageParts): UsageReport {
  const { looks, messages } = parts;
  const { windowStart, windowEnd } = looks;
  const windowS = secondsBetween(windowStart, windowEnd);
  const processes = (windowStart?.processes ?? []).map((start) => processReport(start, parts));
  const cpuSPer1000: Record<string, number> = {};
  for (const { service, cpuS } of processes) {
    if (service === GENERATOR || messages === 0) continue;
    cpuSPer1000[service] = round((cpuSPer1000[service] ?? 0) + (cpuS * 1_000) / messages, 4);
  }
  const total = sumOf(Object.values(cpuSPer1000));
  const beyond = processes.flatMap(({ service, cpuSPer1000BeyondHeld: value }) =>
    service === GENERATOR || value === undefined ? [] : [value],
  );
  return {
    ...{ windowS, messages, processes, cpuSPer1000 },
    cpuSPer1000Total: round(total, 4),
    cpuSPer1000BeyondHeldTotal: beyond.length === 0 ? undefined : round(sumOf(beyond), 4),
    database: databaseOf(looks),
  };
}

/**
 * Returns how many processes share the connections. The edges share them, and so do the generators.
 * Any other process works for all of them.
 */
export function sharersOf(service: string, processes: readonly { service: string }[]): number {
  if (service !== 'edge' && service !== GENERATOR) return 1;
  return processes.filter((process) => process.service === service).length;
}

function processReport(start: ProcessUsage, parts: UsageParts): ProcessReport {
  const { looks, messages, connections } = parts;
  const { windowStart, windowEnd } = looks;
  const windowS = secondsBetween(windowStart, windowEnd);
  const end = find(windowEnd, start);
  const cpuS = end === undefined ? 0 : end.cpuS - start.cpuS;
  const share = connections / sharersOf(start.service, windowStart?.processes ?? []);
  const held = heldShare(start, looks);
  const beyond = held === undefined ? undefined : cpuS - held * windowS;
  return {
    name: start.name,
    service: start.service,
    cpuS: round(cpuS, 2),
    cpuPercent: round((cpuS / windowS) * 100, 1),
    cpuUsPerConnection: share < 1 ? 0 : round((cpuS * 1e6) / windowS / share, 2),
    heldPercent: held === undefined ? undefined : round(held * 100, 1),
    cpuSPer1000BeyondHeld:
      beyond === undefined || messages === 0 ? undefined : round((beyond * 1_000) / messages, 4),
    rss: memoryOf(looks, start, 'rssBytes'),
    pss: memoryOf(looks, start, 'pssBytes'),
  };
}

/**
 * Returns the share of a core that a process used while everybody was connected and nobody sent.
 */
function heldShare(process: ProcessUsage, looks: UsageParts['looks']): number | undefined {
  const [start, end] = [find(looks.holdStart, process), find(looks.holdEnd, process)];
  if (start === undefined || end === undefined) return undefined;
  return (end.cpuS - start.cpuS) / secondsBetween(looks.holdStart, looks.holdEnd);
}

function secondsBetween(start: Look | undefined, end: Look | undefined): number {
  return ((end?.atMs ?? 0) - (start?.atMs ?? 0)) / 1_000;
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

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
