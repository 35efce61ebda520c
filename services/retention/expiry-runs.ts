import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '../../shared/nats/bus.ts';
import { type AskStore, createAskStore } from '../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { prune } from './prune.ts';
import type { RetentionMetrics } from './retention-metrics.ts';
import { delayUntilNext } from './run-timing.ts';

type Options = { bus: Bus; metrics: RetentionMetrics; logger: Logger; intervalMs: number };
type Run = Omit<Options, 'bus' | 'intervalMs'> & { store: AskStore; signal: AbortSignal };

const TIMEOUT_MS = 10_000;
/**
 * A batch is followed by this pause, so that at most some 5 000 messages a second are cleared.
 * Sends must not notice.
 */
const BATCH = 500;
const PAUSE_MS = 100;
/** A run clears at most 100 000 000 messages. What is left waits for the next run. */
const BATCHES_MAX = 200_000;
/** A partition that is in use is tried again so often in a run, each time after such a pause. */
const DROPS_MAX = 30;
const DROP_PAUSE_MS = { min: 1_000, max: 20_000 };

const PRUNED = [
  { what: 'revisions', op: 'revisions.prune', counter: 'prunedRevisions' },
  { what: 'steps', op: 'steps.prune', counter: 'prunedSteps' },
] as const;

/**
 * Lets store clear and drop messages whose time is over, at once and then every interval. It is a
 * job apart from the one that makes partitions, so that no failure here keeps one from being made.
 * Several processes may do so: store lets one of them take each step.
 */
export function startExpiryRuns(options: Options): { close(): Promise<void> } {
  const { bus, metrics, logger, intervalMs } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const run = { store: createAskStore(bus, TIMEOUT_MS), metrics, logger, signal };
  let failures = 0;
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await runOnce(run);
        failures = 0;
        metrics.expiryRuns.inc({ outcome: 'ok' });
      } catch (error) {
        failures += 1;
        metrics.expiryRuns.inc({ outcome: 'failed' });
        logger.warn({ err: error, failures }, 'messages whose time is over could not go');
      }
      await pause(delayUntilNext({ intervalMs, failures, random: Math.random() }), signal);
    }
  };
  const running = loop();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

async function runOnce(run: Run): Promise<void> {
  const isHeld = await clear(run);
  if (isHeld || run.signal.aborted) return;
  await drop(run);
  await prune(run, PRUNED);
}

/** The result says that nothing may go, because the clock cannot be trusted. */
async function clear({ store, metrics, logger, signal }: Run): Promise<boolean> {
  for (let batches = 0; batches < BATCHES_MAX && !signal.aborted; batches += 1) {
    const done = await store('retention.expire', {
      asked_at: new Date().toISOString(),
      limit: BATCH,
    });
    for (const what of ['messages', 'keys', 'reactions', 'revisions'] as const) {
      metrics.cleared.inc({ what }, done[what]);
    }
    metrics.partitionsDue.set(done.partitions_due);
    metrics.oldestDue.set(done.oldest_due_s);
    metrics.held.set(done.held === undefined ? 0 : 1);
    if (done.marked.length > 0) logger.info({ partitions: done.marked }, 'partitions have passed');
    if (done.held !== undefined) logger.error({ reason: done.held }, 'nothing expires for now');
    if (!done.left) return done.held !== undefined;
    await pause(PAUSE_MS, signal);
  }
  return false;
}

async function drop({ store, metrics, logger, signal }: Run): Promise<void> {
  for (let tries = 0; tries < DROPS_MAX && !signal.aborted; tries += 1) {
    const { dropped, left } = await store('retention.drop', { limit: 1 });
    metrics.dropped.inc(dropped.length);
    if (dropped.length > 0) logger.info({ dropped }, 'partitions dropped');
    if (left === 0) return;
    const { min, max } = DROP_PAUSE_MS;
    if (dropped.length === 0) await pause(min + Math.random() * (max - min), signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
}
