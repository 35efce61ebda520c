import { DEVICES_SEEN_MAX, type DeviceSeen } from '../../../shared/contracts/store-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';

/** `issuedAt` is the time of the session's token, in epoch ms. */
type Seen = { userId: UserId; deviceId: string; seenAtMs: number; issuedAt: number };
type Deps = { store: AskStore; metrics: Pick<EdgeMetrics, 'reportsDropped'> };

/** The first device of a report waits this long for others. */
const COALESCE_MS = 1_000;
/** The edge holds this many devices that store has not noted, in ~10 MB. It drops further ones. */
export const HELD_MAX = 50_000;
/** A report that store did not take is made again after 1 s, 2 s, 4 s … up to a minute. */
const RETRY_MS = { first: 1_000, max: 60_000 };

/**
 * Tells store when devices were there, in reports of ≤ 1000, one at a time. Of one device it tells
 * the last time alone. It measures by a clock that never jumps, and tells how long ago the device
 * was seen when it asks: no clock of a host can make a device look unused. It tells of the newest
 * token as well, because store may know of a sign-out that this edge has not heard of.
 *
 * Nobody waits for a report. What store does not take is kept and told again, so store may hear of
 * it twice. What it refuses as invalid is dropped.
 */
export class SeenReports {
  readonly #deps: Deps;
  readonly #pending = new Map<string, Seen>();
  #unanswered = 0;
  #failures = 0;
  #isClosing = false;
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Counts the devices that store has not noted yet. */
  get waiting(): number {
    return this.#pending.size + this.#unanswered;
  }

  /** `seenAtMs` is by `steadyMs`, and not before the time that was told last. */
  tell(seen: Seen): void {
    this.#hold({ ...seen });
    if (this.#sending === undefined) this.#sendAfter(COALESCE_MS);
  }

  /** Drops what store has not been told of the device. */
  forget(userId: UserId, deviceId: string): void {
    this.#pending.delete(keyOf(userId, deviceId));
  }

  /** Sends what is left. What store does not take now is dropped. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#sending;
    await this.#sendAll();
    this.#drop(this.#pending.size);
    this.#pending.clear();
  }

  #hold(seen: Seen): void {
    const key = keyOf(seen.userId, seen.deviceId);
    const held = this.#pending.get(key);
    if (held !== undefined) {
      held.seenAtMs = Math.max(held.seenAtMs, seen.seenAtMs);
      held.issuedAt = Math.max(held.issuedAt, seen.issuedAt);
    } else if (this.waiting < HELD_MAX) this.#pending.set(key, seen);
    else this.#drop(1);
  }

  #drop(count: number): void {
    if (count > 0) this.#deps.metrics.reportsDropped.add('devices_seen', count);
  }

  #sendAfter(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#sendAll().finally(() => {
        this.#sending = undefined;
        if (this.#pending.size > 0 && !this.#isClosing) this.#sendAfter(this.#pauseMs());
      });
    }, ms);
  }

  #pauseMs(): number {
    if (this.#failures === 0) return COALESCE_MS;
    const pause = Math.min(RETRY_MS.first * 2 ** (this.#failures - 1), RETRY_MS.max);
    return pause * (0.5 + Math.random() / 2);
  }

  /** Sends report after report until none is left or one fails. */
  async #sendAll(): Promise<void> {
    while (this.#pending.size > 0) {
      const batch = this.#take();
      if (!(await this.#send(batch))) break;
    }
  }

  #take(): Seen[] {
    const batch: Seen[] = [];
    for (const [key, seen] of this.#pending) {
      batch.push(seen);
      this.#pending.delete(key);
      if (batch.length === DEVICES_SEEN_MAX) break;
    }
    return batch;
  }

  async #send(batch: readonly Seen[]): Promise<boolean> {
    this.#unanswered = batch.length;
    const nowMs = steadyMs();
    const items = batch.map(({ userId, deviceId, seenAtMs, issuedAt }): DeviceSeen => {
      return [userId, deviceId, Math.round(nowMs - seenAtMs), issuedAt];
    });
    try {
      await this.#deps.store('devices.seen', { items });
      this.#unanswered = 0;
      this.#failures = 0;
      return true;
    } catch (error) {
      this.#unanswered = 0;
      if (KahaError.from(error).code === 'INVALID_REQUEST') {
        this.#drop(batch.length);
        return true;
      }
      this.#failures += 1;
      for (const seen of batch) this.#hold(seen);
      return false;
    }
  }
}

function keyOf(userId: UserId, deviceId: string): string {
  return `${userId} ${deviceId}`;
}
