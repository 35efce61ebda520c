import type { NatsConnection } from 'nats';

/** What we use of the library below its public face; the version is pinned. */
type Protocol = {
  outbound: { fill(...parts: Uint8Array[]): void; size(): number };
  pendingLimit: number;
  flushPending(): void;
  sendCommand(command: string | Uint8Array, ...payloads: Uint8Array[]): void;
};

/** What is said in batches: `fill` publishes what has gathered, right before the next write. */
export type Writes = {
  beforeNext(fill: () => void): void;
  /** Whatever the gap. */
  now(): void;
};

/**
 * Many publishes, one write: a write costs the writer, the server and who it wakes more than what
 * is in it. The first after a pause goes at the end of this turn of the event loop, the next ones
 * begin `gapMs` apart at least, unless 32 KiB wait. Order stays.
 */
export function batchWrites(nc: NatsConnection, gapMs: number): Writes {
  const { protocol } = nc as unknown as { protocol: Protocol };
  let fills: (() => void)[] = [];
  let isScheduled = false;
  let writtenAt = Number.NEGATIVE_INFINITY;
  const write = (): void => {
    const due = fills;
    fills = [];
    for (const fill of due) fill();
    isScheduled = false;
    writtenAt = performance.now();
    protocol.flushPending();
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    const waitMs = writtenAt + gapMs - performance.now();
    if (waitMs > 0) setTimeout(write, waitMs);
    else setImmediate(write);
  };
  protocol.sendCommand = (command, ...payloads) => {
    const { outbound } = protocol;
    outbound.fill(typeof command === 'string' ? Buffer.from(command) : command, ...payloads);
    if (outbound.size() >= protocol.pendingLimit) protocol.flushPending();
    else schedule();
  };
  return {
    now: write,
    beforeNext(fill) {
      fills.push(fill);
      schedule();
    },
  };
}
