import type { Quantiles } from '../figures/histogram.ts';
import type { Tally } from '../figures/tally.ts';
import { textTable } from '../figures/text-table.ts';
import type { Report } from '../report/report.ts';
import type { UsageReport } from '../report/usage-report.ts';
import type { BusinessCrowd } from './business-crowd.ts';
import type { BusinessLoad } from './business-load.ts';
import type { BusinessOptions } from './business-options.ts';
import type { ChatCounts } from './chats.ts';

/**
 * A round has what the direct messages met beside the conversations, and alone. Without direct
 * messages it has what the conversations cost.
 */
export type Round = {
  beside: Report | undefined;
  alone: Report | undefined;
  usage: UsageReport | undefined;
};

type ReportParts = {
  options: BusinessOptions;
  crowd: BusinessCrowd;
  load: BusinessLoad;
  rounds: readonly Round[];
  sweepFinds: number;
  seconds: number;
};

/** All times are in milliseconds unless their name says otherwise. */
export type BusinessReport = {
  at: string;
  options: BusinessOptions;
  connections: { wanted: number; ready: number; endings: Tally };
  chats: ChatCounts;
  latency: { atOnceMs: Quantiles; freedMs: Quantiles; lagMs: Quantiles };
  direct: {
    beside: Quantiles[];
    alone: Quantiles[];
    /** The median p99 beside the conversations is this many times that of without them. */
    p99Ratio: number | undefined;
  };
  /** The figures of 1000 messages are those of 1000 conversations that were closed. */
  usage: UsageReport | undefined;
  sweepFinds: number;
  seconds: number;
  events: Tally;
  refused: Tally;
  triedAgain: Tally;
  /** The list says why the exit status is 1. It is empty if all is well. */
  problems: string[];
};

export function createBusinessReport(parts: ReportParts): BusinessReport {
  const { options, crowd, load, rounds, sweepFinds, seconds } = parts;
  const direct = (pick: (round: Round) => Report | undefined): Report[] =>
    rounds.flatMap((round) => pick(round) ?? []);
  const [beside, alone] = [direct((round) => round.beside), direct((round) => round.alone)];
  const latencyOf = ({ latency }: Report): Quantiles => latency.deliveryMs;
  const report: BusinessReport = {
    at: new Date().toISOString(),
    options,
    connections: {
      wanted: crowd.connections.length,
      ready: crowd.readyCount,
      endings: crowd.endings,
    },
    chats: load.chats.counts,
    latency: {
      atOnceMs: load.chats.atOnceMs.quantiles(),
      freedMs: load.chats.freedMs().quantiles(),
      lagMs: load.lagMs.quantiles(),
    },
    direct: {
      beside: beside.map(latencyOf),
      alone: alone.map(latencyOf),
      p99Ratio: ratioOf(beside.map(latencyOf), alone.map(latencyOf)),
    },
    usage: rounds.at(-1)?.usage,
    ...{ sweepFinds, seconds, events: crowd.events },
    ...{ refused: crowd.requests.refused, triedAgain: crowd.requests.triedAgain },
    problems: [...beside, ...alone].flatMap(({ problems }) => problems),
  };
  report.problems.push(...problemsOf(report));
  // The clean-up that follows goes on to count.
  return structuredClone(report);
}

function problemsOf({ chats, connections, sweepFinds, refused }: BusinessReport): string[] {
  const { unassigned, twice, opened } = chats;
  const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
  const { wanted, ready } = connections;
  const found: [number, string][] = [
    [wanted - ready, 'connections missing'],
    [unassigned, 'conversations assigned to nobody'],
    [twice, 'conversations assigned twice'],
    [sweepFinds, 'finds of the sweeps'],
    [refusals, 'requests refused'],
    [opened === 0 ? 1 : 0, 'run without a conversation'],
  ];
  return found.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
}

function ratioOf(beside: readonly Quantiles[], alone: readonly Quantiles[]): number | undefined {
  if (beside.length === 0 || alone.length === 0) return undefined;
  return medianP99(beside) / medianP99(alone);
}

function medianP99(all: readonly Quantiles[]): number {
  const sorted = all.map(({ p99 }) => p99).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

/** Returns the report for people, as plain, aligned text. */
export function businessReportText(report: BusinessReport): string {
  const { connections, chats, latency, direct, sweepFinds, seconds, problems } = report;
  const { opened, assigned, answered, closed, waited } = chats;
  const rows = [
    row('assigned at once', latency.atOnceMs),
    ...(latency.freedMs.count === 0 ? [] : [row('a place was freed', latency.freedMs)]),
    ...direct.beside.map((quantiles) => row('direct messages beside', quantiles)),
    ...direct.alone.map((quantiles) => row('direct messages alone', quantiles)),
    row('generator was late', latency.lagMs),
  ];
  const lines = [
    '',
    `Connections   ${connections.ready} of ${connections.wanted} ready`,
    `  refused or lost   ${tallyText(connections.endings)}`,
    `Conversations ${opened} opened, ${assigned} assigned, ${answered} answered, ${closed} closed`,
    `  waited      ${waited} may have had to wait for a place`,
    `  refused     ${tallyText(report.refused)}; tried again ${tallyText(report.triedAgain)}`,
    `  events      ${tallyText(report.events)}`,
    `Sweeps        ${sweepFinds} finds in ${seconds} s`,
    '',
    textTable(['ms', 'count', 'p50', 'p95', 'p99', 'max'], rows),
    ...ratioLines(direct),
    ...usageLines(report.usage),
    '',
    problems.length === 0 ? 'PASSED' : `FAILED: ${problems.join(', ')}`,
    '',
  ];
  return lines.join('\n');
}

function ratioLines({ p99Ratio }: BusinessReport['direct']): string[] {
  if (p99Ratio === undefined) return [];
  return ['', `Median p99 of direct messages: ${p99Ratio.toFixed(2)} times that of them alone`];
}

function usageLines(usage: UsageReport | undefined): string[] {
  if (usage === undefined || usage.processes.length === 0) return [];
  const { windowS, messages, processes, cpuSPer1000Total, cpuSPer1000, database } = usage;
  const each = Object.entries(cpuSPer1000).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  const busy = processes.map(({ name, cpuPercent }) => `${name} ${cpuPercent.toFixed(0)}`);
  const total = `${cpuSPer1000Total.toFixed(2)} CPU s for 1000 conversations`;
  return [
    '',
    `${total}, without the generator: ${each.join(', ')}`,
    `  ${messages} closed within ${windowS.toFixed(1)} s; % of a core: ${busy.join(', ')}`,
    ...(database === undefined ? [] : [`  Postgres: ${database.transactions} transactions`]),
  ];
}

function row(name: string, { count, p50, p95, p99, max }: Quantiles): string[] {
  return [name, String(count), ...[p50, p95, p99, max].map((value) => value.toFixed(1))];
}

function tallyText(tally: Tally): string {
  const entries = Object.entries(tally).map(([name, count]) => `${name} ${count}`);
  return entries.length === 0 ? 'none' : entries.join(', ');
}
