import type { NatsConnection } from 'nats';
import { steadyMs } from '../process/clock.ts';

/** These parts of the library are not public, so package.json pins its version. */
type Protocol = {
  outbound: { fill(...parts: Uint8Array[]): void; size(): number };
  pendingLimit: number;
  flushPending(): void;
  sendCommand(command: string | Uint8Array, ...payloads: Uint8Array[]): void;
};

export type Writes = {
  /** Calls `fill` once, right before the next write, so that `fill` publishes what may wait. */
  beforeNext(fill: () => void): void;
  /** Writes at once, without waiting for the gap. */
  now(): void;
};

/**
 * Joins many publishes into one write, because a write costs the writer, the server and the process
 * that it wakes more than the publishes in it. A publish is written at the end of this turn of the
 * event loop. A publish that may wait (`beforeNext`) goes with that write. If there is none, it
 * goes `gapMs` after the last write, or at the end of the turn if the gap is over. Publishes keep
 * their order. A `fill` that throws takes nothing from the others: all that was published is
 * written, and then the write throws the first error.
 */
export function batchWrites(nc: NatsConnection, gapMs: () => number): Writes {
  const { protocol } = nc as unknown as { protocol: Protocol };
  let fills: (() => void)[] = [];
  let immediate: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isFilling = false;
  let writtenAt = Number.NEGATIVE_INFINITY;
  const fillAll = (gathered: readonly (() => void)[]): unknown[] => {
    const failures: unknown[] = [];
    for (const fill of gathered) {
      isFilling = true;
      try {
        fill();
      } catch (error) {
        failures.push(error);
      } finally {
        isFilling = false;
      }
    }
    return failures;
  };
  const write = (): void => {
    clearTimeout(timer);
    clearImmediate(immediate);
    timer = undefined;
    immediate = undefined;
    const gathered = fills;
    fills = [];
    const failures = fillAll(gathered);
    writtenAt = steadyMs();
    protocol.flushPending();
    if (failures.length > 0) throw failures[0];
  };
  const writeSoon = (): void => {
    if (!isFilling) immediate ??= setImmediate(write);
  };
  protocol.sendCommand = (command, ...payloads) => {
    const { outbound } = protocol;
    outbound.fill(typeof command === 'string' ? Buffer.from(command) : command, ...payloads);
    if (outbound.size() >= protocol.pendingLimit) protocol.flushPending();
    else writeSoon();
  };
  return {
    now: write,
    beforeNext(fill) {
      fills.push(fill);
      if (immediate !== undefined || timer !== undefined) return;
      const waitMs = writtenAt + gapMs() - steadyMs();
      if (waitMs > 0) timer = setTimeout(write, waitMs);
      else writeSoon();
    },
  };
}
