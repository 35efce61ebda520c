import type { Look, Moment } from '../usage/measurements.ts';

type HeapParts = {
  looks: Partial<Record<Moment, Look>>;
  /** This run has this many device queues, of devices that stayed and of devices that are away. */
  queues: number;
  /** This many of these device queues were not there before. */
  queuesMade: number;
};

/**
 * The report says what NATS holds without its garbage. It is undefined if NATS could not
 * be asked.
 */
export type HeapReport = {
  beforeBytes: number;
  endBytes: number;
  queues: number;
  queuesMade: number;
  /** The growth is divided by the device queues that were made. It is undefined if none was. */
  perQueueMadeBytes: number | undefined;
};

export function createHeapReport(parts: HeapParts): HeapReport | undefined {
  const { looks, queues, queuesMade } = parts;
  const beforeBytes = (looks.start ?? looks.base)?.natsHeap?.liveBytes;
  const endBytes = looks.end?.natsHeap?.liveBytes;
  if (beforeBytes === undefined || endBytes === undefined) return undefined;
  const grownBytes = endBytes - beforeBytes;
  const perQueueMadeBytes = queuesMade === 0 ? undefined : Math.round(grownBytes / queuesMade);
  return { beforeBytes, endBytes, queues, queuesMade, perQueueMadeBytes };
}
