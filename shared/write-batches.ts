import type { NatsConnection } from 'nats';

/** What we use of the library below its public face; the version is pinned. */
type Protocol = {
  outbound: { fill(...parts: Uint8Array[]): void; size(): number };
  pendingLimit: number;
  flushPending(): void;
  sendCommand(command: string | Uint8Array, ...payloads: Uint8Array[]): void;
};

/** Writes to one connection begin at least this far apart; see `batchWrites`. */
const WRITE_GAP_MS = Number(process.env.X_GAP ?? 3);

/** What is said in batches: `fill` publishes what has gathered, right before the next write. */
export type Writes = {
  beforeNext(fill: () => void): void;
  /** Whatever the gap: who closes or waits for an answer of the server does not. */
  now(): void;
};

/**
 * Many publishes, one write. A write costs the writer, the server and who it wakes more than what
 * is in it: the first after a pause goes at the end of this turn of the event loop, the next ones
 * at least 3 ms apart. Measured with 10 000 connections at 1000 messages/s, CPU-seconds of all
 * services per 1000 messages and p99: no gap 0.96, 22 ms; 2 ms 0.88, 22 ms; 3 ms 0.84, 23 ms; 4 ms
 * 0.79, 25 ms. Order stays.
 */
export function batchWrites(nc: NatsConnection): Writes {
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
    const waitMs = writtenAt + WRITE_GAP_MS - performance.now();
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
