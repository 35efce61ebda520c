import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Operations } from '../operations.ts';

export type AppendBench = {
  operations: Operations;
  /** The group commit counts its commits and their rows here. */
  commits: { count: number; rows: number };
  seconds: number;
  /** With 0, the CPU time of Postgres is not measured. */
  postgresPid: number;
};

type AppendFigures = {
  rows_per_s: number;
  rows_per_commit: number;
  refused: number;
  p50_ms: number;
  p99_ms: number;
  store_cpu_s_per_1000: number;
  postgres_cpu_s_per_1000: number;
  cpu_s_per_1000: number;
};

type Talk = { conversation_id: ConversationId; user_id: UserId };

const TALKS = 500;
const BURST_ITEMS = 16;
const BURSTS_IN_FLIGHT = 125;
const PACED_PER_S = 1_000;
const CONTENT = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do. '.repeat(3);
const DEADLINE_MS = 10_000;
const DONE_EVERY_MS = 50;

/** The highest throughput is measured by requests of 16 sends to many conversations at once. */
export async function measureThroughput(bench: AppendBench): Promise<AppendFigures> {
  const talks = await createTalks(bench.operations);
  return measure(bench, async (send) => {
    const endAt = steadyMs() + bench.seconds * 1000;
    const run = async (worker: number): Promise<void> => {
      for (let turn = worker; steadyMs() < endAt; turn += BURSTS_IN_FLIGHT) {
        await send(talks[turn % TALKS] as Talk, BURST_ITEMS);
      }
    };
    await Promise.all(Array.from({ length: BURSTS_IN_FLIGHT }, (_, worker) => run(worker)));
  });
}

/** Single sends leave at an even pace, however long the answers take. */
export async function measurePaced(bench: AppendBench): Promise<AppendFigures> {
  const talks = await createTalks(bench.operations);
  return measure(bench, async (send) => {
    const startedAt = steadyMs();
    const total = bench.seconds * PACED_PER_S;
    const sent: Promise<void>[] = [];
    while (sent.length < total) {
      const due = Math.min((steadyMs() - startedAt) * (PACED_PER_S / 1000), total);
      while (sent.length < due) sent.push(send(talks[sent.length % TALKS] as Talk, 1));
      await delay(1);
    }
    await Promise.all(sent);
  });
}

type Send = (talk: Talk, items: number) => Promise<void>;

async function measure(
  { operations, commits, postgresPid }: AppendBench,
  drive: (send: Send) => Promise<void>,
): Promise<AppendFigures> {
  const latencies: number[] = [];
  let refused = 0;
  let owed: EventId[] = [];
  const done = async (): Promise<void> => {
    const event_ids = owed;
    owed = [];
    if (event_ids.length > 0) await operations['outbox.done']({ event_ids }, 0);
  };
  const send: Send = async ({ conversation_id, user_id }, count) => {
    const startedAt = steadyMs();
    const items = Array.from({ length: count }, () => ({
      user_id,
      client_msg_id: newId<string>() as string,
      content: CONTENT,
    }));
    const request = { conversation_id, items };
    const reply = await operations['messages.append'](request, steadyMs() + DEADLINE_MS);
    for (const result of reply.results) {
      if (result.ok) owed.push(result.event_id);
      else refused += 1;
    }
    latencies.push(steadyMs() - startedAt);
  };
  const before = { ...commits, cpu: process.cpuUsage(), postgres: cpuSecondsBelow(postgresPid) };
  const startedAt = steadyMs();
  const timer = setInterval(() => void done(), DONE_EVERY_MS);
  await drive(send);
  const elapsedS = (steadyMs() - startedAt) / 1000;
  clearInterval(timer);
  await done();
  const rows = commits.rows - before.rows;
  const cpu = process.cpuUsage(before.cpu);
  const storeCpuS = (cpu.user + cpu.system) / 1e6;
  const postgresCpuS = cpuSecondsBelow(postgresPid) - before.postgres;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    rows_per_s: Math.round(rows / elapsedS),
    rows_per_commit: round(rows / (commits.count - before.count)),
    refused,
    p50_ms: round(at(0.5)),
    p99_ms: round(at(0.99)),
    store_cpu_s_per_1000: round((storeCpuS / rows) * 1000),
    postgres_cpu_s_per_1000: round((postgresCpuS / rows) * 1000),
    cpu_s_per_1000: round(((storeCpuS + postgresCpuS) / rows) * 1000),
  };
}

async function createTalks(operations: Operations): Promise<Talk[]> {
  const talks: Talk[] = [];
  for (let index = 0; index < TALKS; index += 1) {
    const user_id = newId<UserId>();
    const conversation = { type: 'direct' as const, participant_ids: [newId<UserId>()] };
    const { record } = await operations['conversations.create']({ user_id, conversation }, 0);
    talks.push({ conversation_id: record.conversation_id, user_id });
  }
  return talks;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
const CLOCK_TICKS_PER_S = 100;

/** The sum of user and system time of a process and its living children comes from /proc. */
function cpuSecondsBelow(pid: number): number {
  if (pid === 0) return 0;
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = readStat(entry);
    if (Number(entry) === pid || Number(fields[1]) === pid) {
      ticks += Number(fields[11]) + Number(fields[12]);
    }
  }
  return ticks / CLOCK_TICKS_PER_S;
}

/** The result has the fields that follow the command's name: state, parent, and so on. */
function readStat(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // The process ended meanwhile.
  }
}
