import { setTimeout as delay } from 'node:timers/promises';
import { forEachBounded } from '../../../shared/concurrency/for-each-bounded.ts';
import { parseQueueName, queueName, subjects } from '../../../shared/contracts/subjects.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { DeviceQueues } from '../queues/device-queues.ts';
import type { Device, KnownQueues } from '../queues/known-queues.ts';
import type { QueueApi } from '../queues/queue-api.ts';
import type { QueueWatch } from '../queues/queue-watch.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { CLAIMED_MAX, LossClaims } from './loss-claims.ts';
import type { Loss, ShardTails } from './shard-tails.ts';
import type { LossHeard, TailSignals } from './tail-signals.ts';

const DEVICES_AT_ONCE = 16;
const TRIES = 5;
const RETRY_DELAY_MS = 1_000;
/** Routers have so long to claim what was lost. The first that goes on spares the others work. */
const CLAIM_MS = 2_000;
const CLAIM_JITTER_MS = 2_000;
const CLAIM_POLL_MS = 25;
const ABOVE_JITTER_MS = 500;
/** Two routers find the same loss within this time, but a server is not back again so soon. */
const SAME_LOSS_MS = 2_000;
/** At most this many queues are known as made since a loss. More may be voided a second time. */
const MADE_MAX = 65_536;
const MADE_KEPT_MS = 30_000;

type Deps = {
  bus: Bus;
  api: QueueApi;
  known: KnownQueues;
  /** Reads the names of the queues. */
  names: Pick<QueueWatch, 'refresh'>;
  queues: Pick<DeviceQueues, 'void'>;
  tails: ShardTails;
  signals: Pick<TailSignals, 'tellLoss'>;
  now: () => number;
  metrics: Pick<RouterMetrics, 'tailsLost'>;
  logger: Logger;
};

/**
 * Deals with shards that have lost their tails. Each router voids the queues to which it published
 * what is lost. Then it claims the lost numbers that were its own. Once all are claimed, the queues
 * that stood above the shard's end are voided too, because they would skip the next events.
 * If some stay unclaimed, their router is gone, nobody knows whose events they were, and all queues
 * of the shard are voided.
 */
export class TailChecks {
  readonly #deps: Deps;
  readonly #running = new Map<number, Promise<void>>();
  readonly #claims = new LossClaims();
  readonly #subscription: { unsubscribe(): void };
  /** A check that failed, and is tried again, found these above the end of their shard. */
  readonly #above = new Map<number, Device[]>();
  /** These queues were made since a loss was found, so they lack nothing. */
  readonly #made = new Set<string>();
  #foundAt = Number.NEGATIVE_INFINITY;
  #namesReadAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#subscription = deps.bus.subscribe(subjects.queuesMade, (msg) => {
      const isNews = deps.now() - this.#foundAt < MADE_KEPT_MS;
      if (isNews && this.#made.size < MADE_MAX) this.#made.add(msg.string());
    });
  }

  /** Asks for the shard's end, and deals with its loss if it has lost its tail. */
  check(shard: number): Promise<void> {
    const running = this.#running.get(shard);
    if (running !== undefined) return running;
    const checked = this.#checkAll(shard).finally(() => this.#running.delete(shard));
    this.#running.set(shard, checked);
    return checked;
  }

  /** Hears of a loss, or of what another router claims of one. Returns false if it is known. */
  hear(heard: LossHeard): boolean {
    const { tails, now } = this.#deps;
    const { shard, keptSeq, upToSeq, foundAt, claimed } = heard;
    if (claimed.length > 0) this.#claims.add(shard, { seqs: claimed, upToSeq, at: now() });
    if (tails.hasChecked(shard, { keptSeq, foundAt: foundAt - SAME_LOSS_MS })) return false;
    tails.noteLoss(shard, { keptSeq, upToSeq, foundAt });
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#deps.bus.nc.isClosed()) this.#subscription.unsubscribe();
    await Promise.allSettled(this.#running.values());
  }

  async #checkAll(shard: number): Promise<void> {
    for (let tries = 1; !this.#closed; ) {
      try {
        await this.#checkOnce(shard);
        if (!this.#deps.tails.hasLoss(shard)) return;
      } catch (error) {
        if (tries >= TRIES) throw error;
        tries += 1;
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  async #checkOnce(shard: number): Promise<void> {
    const { api, tails, now } = this.#deps;
    const known = tails.end(shard);
    const askedAt = now();
    const { lastSeq } = await api.shardInfo(shard);
    tails.ended({ shard, seq: lastSeq }, known);
    const loss = tails.takeLoss(shard);
    if (loss === undefined) return;
    tails.reset(shard, { seq: lastSeq, keptSeq: loss.keptSeq, at: askedAt });
    try {
      await this.#deal(shard, loss);
    } catch (error) {
      tails.noteLoss(shard, loss);
      throw error;
    }
  }

  async #deal(shard: number, loss: Loss): Promise<void> {
    const { tails, signals, now, metrics, logger } = this.#deps;
    this.#noteFound();
    metrics.tailsLost.inc();
    signals.tellLoss(shard, loss, []);
    const { queues: names, seqs } = tails.lostOf(shard, loss);
    logger.warn({ shard, ...loss, own: seqs.length }, 'stream lost its tail');
    // Publishes soon pass the old end, and then no queue shows any more that it stood above.
    const above = [...(this.#above.get(shard) ?? []), ...(await this.#standingAbove(shard))];
    this.#above.set(shard, above);
    await this.#readNames(loss);
    await this.#voidAll(names.flatMap((name) => parseQueueName(name) ?? []));
    const claimed = seqs.length > CLAIMED_MAX ? [] : seqs;
    this.#claims.add(shard, { seqs: claimed, upToSeq: Math.max(0, ...claimed), at: now() });
    signals.tellLoss(shard, loss, claimed);
    await this.#voidUnclaimed(shard, loss, above);
    this.#above.delete(shard);
  }

  /** Voids the queues of which no router knows that they lack something. */
  async #voidUnclaimed(shard: number, loss: Loss, above: readonly Device[]): Promise<void> {
    const { known, logger } = this.#deps;
    const jitter = Math.random();
    if (await this.#allClaimed(shard, loss, CLAIM_MS + jitter * CLAIM_JITTER_MS)) {
      await delay(jitter * ABOVE_JITTER_MS);
      await this.#voidAll(above);
      return;
    }
    const all = known.devicesIn(shard);
    logger.warn({ shard, queues: all.length }, 'routers that published to the stream are gone');
    await this.#voidAll(all);
  }

  #noteFound(): void {
    const at = this.#deps.now();
    if (at - this.#foundAt > MADE_KEPT_MS) this.#made.clear();
    this.#claims.forget(at - MADE_KEPT_MS);
    this.#foundAt = at;
  }

  /**
   * The server may have come back with queues that were deleted since. They lack events too, and
   * are voided when the names are read.
   */
  async #readNames({ foundAt }: Loss): Promise<void> {
    if (this.#namesReadAt >= foundAt) return;
    const began = this.#deps.now();
    await this.#deps.names.refresh();
    this.#namesReadAt = began;
  }

  /** Returns the devices whose queues stand above the shard's end. */
  async #standingAbove(shard: number): Promise<Device[]> {
    const { api } = this.#deps;
    const reached = await api.reached(shard);
    // No queue passes the end, so the end is read last.
    const { lastSeq } = await api.shardInfo(shard);
    return reached.flatMap(({ name, seq }) => {
      const device = seq > lastSeq ? parseQueueName(name) : undefined;
      return device === undefined ? [] : [device];
    });
  }

  async #voidAll(devices: readonly Device[]): Promise<void> {
    const byName = new Map(devices.map((one) => [queueName(one.userId, one.deviceId), one]));
    await forEachBounded(byName, DEVICES_AT_ONCE, async ([name, device]) => {
      const { known, queues } = this.#deps;
      const isThere = known.devicesOf(device.userId).includes(device.deviceId);
      if (isThere && !this.#made.has(name)) await queues.void(device);
    });
  }

  async #allClaimed(shard: number, loss: Loss, waitMs: number): Promise<boolean> {
    const { now } = this.#deps;
    const deadlineAt = now() + waitMs;
    while (!this.#claims.cover(shard, loss)) {
      if (now() > deadlineAt || this.#closed) return false;
      await delay(CLAIM_POLL_MS);
    }
    return true;
  }
}
