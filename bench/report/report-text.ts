import type { Quantiles } from '../figures/histogram.ts';
import type { Tally } from '../figures/tally.ts';
import { textTable } from '../figures/text-table.ts';
import { GENERATOR } from '../usage/measurements.ts';
import type { MixReport } from './mix-report.ts';
import type { Report } from './report.ts';
import { type ProcessReport, sharersOf } from './usage-report.ts';

const KIB = 1_024;
const MIB = 1_024 * 1_024;
const CPU_COLUMNS: readonly string[] = ['', 'CPU s', '% of a core'];

/** Returns the report for people, as plain, aligned text. */
export function reportText(report: Report): string {
  const sections = [connectionText(report)];
  if (!report.options.idle) sections.push(messageText(report), latencyText(report));
  if (report.mix !== undefined) sections.push(mixText(report.mix));
  if (report.recovery !== undefined) sections.push(recoveryText(report.recovery));
  sections.push(cpuText(report), memoryText(report), verdict(report));
  return `\n${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function connectionText({ connections, away, frames }: Report): string {
  const { wanted, ready, refused, resumed, tookMs, perS, ms, endings } = connections;
  return [
    `Connections   ${ready} of ${wanted} ready, ${refused} refused for good, ${resumed} resumed`,
    `  opened in   ${seconds(tookMs)} s, ${perS}/s; ${quantileText(ms)}`,
    `  refused or lost   ${tallyText(endings)}`,
    `  pings ${frames.pings}, pongs ${frames.pongs}, acks ${frames.acks}`,
    ...(away.wanted === 0 ? [] : [awayText(away)]),
  ].join('\n');
}

function awayText({ wanted, away, queuesMade, endings }: Report['away']): string {
  const counts = `${away} of ${wanted} devices, ${queuesMade} with a new queue`;
  return `  away        ${counts}; refused or lost ${tallyText(endings)}`;
}

function messageText({ messages, frames, queueGaps, earlier }: Report): string {
  const { offered, acknowledged, unanswered, failed, sentAgain, duplicates } = messages;
  const { expected, received, missing, repeatedToQueue, repeatedToEye, live } = messages;
  const { outOfOrder, outOfOrderAfterLoss, seqGaps, seqClashes, strayed } = messages;
  return [
    `Sends         ${offered} offered, ${acknowledged} acknowledged, ${unanswered} unanswered`,
    `  failed      ${tallyText(failed)}`,
    `  sent again  ${sentAgain}, known already ${duplicates}`,
    `Deliveries    ${expected} expected, ${received} received, ${missing} missing`,
    `  repeated    ${repeatedToQueue} by queues, ${repeatedToEye} to the eye`,
    `  order       ${outOfOrder} wrong, ${outOfOrderAfterLoss} after a lost connection`,
    `  seq         ${seqGaps} gaps, ${seqClashes} given twice; ${queueGaps} gaps in q`,
    `  odd         ${live} beside the queue, ${strayed} strayed, ${earlier} of earlier runs`,
    `  also        ${tallyText(frames.events)}; errors ${tallyText(frames.errors)}`,
  ].join('\n');
}

function latencyText({ latency }: Report): string {
  const { ackMs, deliveryMs, lagMs } = latency;
  return [
    'From when a send was due, ms',
    `  to the reply       ${quantileText(ackMs)}`,
    `  to the others      ${quantileText(deliveryMs)}`,
    `  generator's lag    ${quantileText(lagMs)}`,
  ].join('\n');
}

function mixText({ reads, typing, presence, receiptMs, typingMs }: MixReport): string {
  return [
    `Reads         ${reads.sent} sent, ${reads.answered} answered; positions at others: ` +
      `${reads.expected} expected, ${reads.received} received`,
    `  to the others      ${quantileText(receiptMs)}`,
    `Typing        ${typing.sent} sent, ${typing.ends} ends; ` +
      `${typing.expected} expected, ${typing.received} received`,
    `  to the others      ${quantileText(typingMs)}`,
    `Presence      ${presence.expected} changes expected, ${presence.received} received`,
  ].join('\n');
}

function recoveryText({ lost, backMs, drainedMs, ms }: NonNullable<Report['recovery']>): string {
  return [
    `Recovery      ${lost} connections lost`,
    `  after the kill   all back in ${seconds(backMs)} s, drained in ${seconds(drainedMs)} s`,
    `  from loss to back   ${quantileText(ms)}`,
  ].join('\n');
}

function cpuText({ usage }: Report): string {
  const { windowS, messages, processes, cpuSPer1000, cpuSPer1000Total, database } = usage;
  const { cpuSPer1000BeyondHeldTotal } = usage;
  if (processes.length === 0) return '';
  const isHeld = processes.some(({ heldPercent }) => heldPercent !== undefined);
  const columns = [...CPU_COLUMNS, messages > 0 ? 's / 1000 messages' : 'µs / s / connection'];
  if (isHeld) columns.push('held, % of a core', 's / 1000 beyond that');
  const lines = [
    `CPU within ${windowS.toFixed(1)} s`,
    textTable(
      columns,
      processes.map((process) => cpuRow(process, { messages, isHeld })),
    ),
  ];
  if (cpuSPer1000Total > 0) {
    const parts = Object.entries(cpuSPer1000).map(([name, value]) => `${name} ${value.toFixed(3)}`);
    lines.push(
      `${cpuSPer1000Total.toFixed(3)} CPU s for 1000 messages, without the generator:`,
      `  ${parts.join(', ')}`,
    );
  }
  if (cpuSPer1000BeyondHeldTotal !== undefined) {
    const beyond = cpuSPer1000BeyondHeldTotal.toFixed(3);
    lines.push(`  of that ${beyond} for messages, and the rest for holding the connections`);
  }
  if (database !== undefined) {
    const { transactions, walBytes } = database;
    lines.push(`Postgres: ${transactions} transactions, ${(walBytes / MIB).toFixed(1)} MiB of WAL`);
  }
  return lines.join('\n');
}

function cpuRow(
  process: ProcessReport,
  { messages, isHeld }: { messages: number; isHeld: boolean },
): string[] {
  const { name, service, cpuS, cpuPercent, cpuUsPerConnection } = process;
  const { heldPercent, cpuSPer1000BeyondHeld } = process;
  const isCounted = service !== GENERATOR;
  const perMessage = isCounted ? ((cpuS * 1_000) / messages).toFixed(3) : '';
  const cost = messages > 0 ? perMessage : cpuUsPerConnection.toFixed(2);
  const row = [name, cpuS.toFixed(2), cpuPercent.toFixed(1), cost];
  if (!isHeld) return row;
  const beyond = isCounted ? cpuSPer1000BeyondHeld?.toFixed(3) : undefined;
  return [...row, heldPercent?.toFixed(1) ?? '', beyond ?? ''];
}

function memoryText(report: Report): string {
  const { processes } = report.usage;
  if (processes.length === 0) return '';
  const rows = processes.map((process) => {
    const { name, rss, pss } = process;
    const parts = [pss.base, pss.connected, pss.end, rss.end].map((bytes) => mib(bytes));
    return [name, ...parts, perConnection(report, process)];
  });
  const head = ['', 'PSS idle', 'connected', 'end', 'RSS end', 'KiB / connection'];
  return `Memory, MiB\n${textTable(head, rows)}\n${heapText(report)}`;
}

/** Tells the live heap of NATS, because its resident size holds garbage too, up to a limit. */
function heapText({ natsHeap, usage }: Report): string {
  if (natsHeap === undefined) {
    return "NATS' live heap is unknown: NATS is not of this stack, or does not tell it.";
  }
  const { beforeBytes, endBytes, queues, queuesMade, perQueueMadeBytes } = natsHeap;
  const rss = usage.processes.find(({ service }) => service === 'nats')?.rss.end ?? 0;
  const each =
    perQueueMadeBytes === undefined ? '' : `, ${kib(perQueueMadeBytes)} KiB for each made`;
  return [
    `NATS' live heap: ${mib(beforeBytes)} before, ${mib(endBytes)} at the end, of ${mib(rss)} RSS`,
    `  ${queues} device queues, of them ${queuesMade} made in this run${each}`,
  ].join('\n');
}

function perConnection({ usage, connections }: Report, process: ProcessReport): string {
  const { service, pss } = process;
  const share = connections.ready / sharersOf(service, usage.processes);
  if (share < 1 || pss.end === 0) return '';
  return kib((pss.end - pss.base) / share);
}

function verdict({ problems, messages }: Report): string {
  if (problems.length > 0) return `FAILED: ${problems.join(', ')}`;
  const failed = Object.values(messages.failed).reduce((sum, count) => sum + count, 0);
  const but = failed === 0 ? '' : `; but ${failed} of ${messages.offered} sends were refused`;
  return `PASSED: all that was acknowledged arrived, once and in order${but}`;
}

function quantileText({ count, p50, p95, p99, max }: Quantiles): string {
  const [a, b, c, d] = [p50, p95, p99, max].map((value) => value.toFixed(value < 100 ? 2 : 0));
  return `p50 ${a}  p95 ${b}  p99 ${c}  max ${d}  (${count})`;
}

function tallyText(tally: Tally): string {
  const parts = Object.entries(tally).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '?' : (ms / 1_000).toFixed(2);
}

function kib(bytes: number): string {
  return (bytes / KIB).toFixed(1);
}

function mib(bytes: number): string {
  return bytes === 0 ? '' : (bytes / MIB).toFixed(1);
}
