import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Stack } from '../../dev/stack/stack.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import type { Histogram } from '../figures/histogram.ts';
import { getProfiles, ProfilesLoad } from './profiles-load.ts';
import type { ProfilesTarget } from './profiles-target.ts';

type ProfilesBench = {
  stack: Stack;
  bus: Bus;
  target: ProfilesTarget;
  seconds: number;
  hangSeconds: number;
};

/** `isMet` says whether the measured value is as good as was promised. */
type Figure = { what: string; measured: string; promised: string; isMet: boolean };

const PEOPLE = 5_000;
const RATE_PER_S = 500;
const IDS_EACH = 50;
/** This many requests a second ask for people who are in no cache, while kaha-main-v3 hangs. */
const COLD_RATE_PER_S = 10;
const COLD_PEOPLE = 10_000;
const BULKHEAD = 8;
const SETTLE_MS = 2_000;

/** Carries out what `npm run bench:profiles -- --help` describes. */
export async function measureProfiles(bench: ProfilesBench): Promise<Figure[]> {
  const { bus, target } = bench;
  const pool = await target.addPeople(PEOPLE);
  for (let start = 0; start < PEOPLE; start += IDS_EACH) {
    await getProfiles(bus, pool.slice(start, start + IDS_EACH));
  }
  const load = new ProfilesLoad(bus, { ratePerS: RATE_PER_S, idsEach: IDS_EACH, pool });
  try {
    await delay(SETTLE_MS);
    return [
      ...(await measureWarm(bench, load)),
      ...(await measureHang(bench, load)),
      ...(await measureEmptied(bench, load)),
    ];
  } finally {
    load.stop();
  }
}

async function measureWarm(bench: ProfilesBench, load: ProfilesLoad): Promise<Figure[]> {
  const { seconds, target } = bench;
  load.take();
  const cpuBeforeS = await target.cpuS();
  await delay(seconds * 1_000);
  const cpuS = (await target.cpuS()) - cpuBeforeS;
  const taken = load.take();
  const per1000 = (cpuS * 1_000) / taken.times.count;
  const measured = `${per1000.toFixed(2)} CPU-s per 1000 requests`;
  return [
    timesFigure('warm cache, 50 ids at 500 RPC/s', taken, 5),
    { what: 'of that, the process', measured, promised: '', isMet: true },
  ];
}

async function measureHang(bench: ProfilesBench, load: ProfilesLoad): Promise<Figure[]> {
  const { bus, target, hangSeconds } = bench;
  const strangers = await target.addPeople(COLD_PEOPLE);
  await target.control({ mode: 'hang', reset: true });
  load.take();
  const cold = { ratePerS: COLD_RATE_PER_S, idsEach: 5, pool: strangers };
  const coldLoad = new ProfilesLoad(bus, cold);
  try {
    const openMs = await target.untilCircuit(2, 30_000);
    await delay(hangSeconds * 1_000 - openMs);
    const taken = load.take();
    const { in_flight_max: calls } = await target.asked();
    const { times: coldTimes } = coldLoad.take();
    await target.control({ mode: 'ok' });
    const closedMs = await target.untilCircuit(0, 60_000);
    return [
      timesFigure(`kaha-main-v3 hangs for ${hangSeconds} s, cached ids`, taken, 50),
      { ...shown('ids in no cache meanwhile', coldTimes, 1_000), promised: '', isMet: true },
      figure('calls in flight', { is: calls, max: BULKHEAD, unit: '' }),
      figure('circuit open after', { is: openMs / 1_000, max: 5, unit: ' s' }),
      figure('closed after it answers again', { is: closedMs / 1_000, max: 10, unit: ' s' }),
    ];
  } finally {
    coldLoad.stop();
  }
}

/** Empties Redis alone, and then also the memory of profiles, by starting its process again. */
async function measureEmptied(
  { stack, target }: ProfilesBench,
  load: ProfilesLoad,
): Promise<Figure[]> {
  const redis = new Redis(stack.urls.redis);
  const figures: Figure[] = [];
  for (const isProcessNew of [false, true]) {
    if (isProcessNew) await stack.stopProcess('profiles');
    await target.control({ reset: true });
    load.take();
    await redis.flushall();
    if (isProcessNew) await stack.start('profiles');
    await delay(isProcessNew ? SETTLE_MS : 1_000);
    const { asked_most: most, ids } = await target.asked();
    const what = `Redis emptied${isProcessNew ? ', process new' : ''}: ${ids} of ${PEOPLE} ids`;
    figures.push(figure(`${what}, each asked for`, { is: most, max: 1, unit: ' times' }));
  }
  redis.disconnect();
  return figures;
}

type Taken = { times: Histogram; failed: number; incomplete: number };

function timesFigure(what: string, taken: Taken, p99MaxMs: number): Figure {
  const { failed, incomplete } = taken;
  const one = shown(what, taken.times, p99MaxMs);
  const { count } = taken.times;
  const measured = `${one.measured} (${count} answers, ${failed} failed, ${incomplete} incomplete)`;
  return { ...one, measured, isMet: one.isMet && failed + incomplete === 0 };
}

function shown(what: string, times: Histogram, p99MaxMs: number): Figure {
  const { p50, p99, max } = times.quantiles();
  const measured = `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms`;
  return { what, measured, promised: `p99 ≤ ${p99MaxMs} ms`, isMet: p99 <= p99MaxMs };
}

function figure(
  what: string,
  { is, max, unit }: { is: number; max: number; unit: string },
): Figure {
  const measured = `${Number.isInteger(is) ? is : is.toFixed(1)}${unit}`;
  return { what, measured, promised: `≤ ${max}${unit}`, isMet: is <= max };
}
