import type { Look, Moment } from '../usage/measurements.ts';

export type HeapParts = {
  looks: Partial<Record<Moment, Look>>;
  /** This run has so many device queues, of devices that stayed and of devices that are away. */
  queues: number;
  /** So many of these device queues were not there before. */
  queuesMade: number;
};

/**
 * The report says how many bytes NATS holds without its garbage. It is undefined if NATS could not
 * be asked.
 */
export type HeapReport = {
  before: number;
  end: number;
  queues: number;
  queuesMade: number;
  /** The growth is divided by the device queues that were made. It is undefined if none was. */
  perQueueMade: number | undefined;
};

export function createHeapReport(parts: HeapParts): HeapReport | undefined {
  const { looks, queues, queuesMade } = parts;
  const before = (looks.start ?? looks.base)?.natsHeap?.liveBytes;
  const end = looks.end?.natsHeap?.liveBytes;
  if (before === undefined || end === undefined) return undefined;
  const perQueueMade = queuesMade === 0 ? undefined : Math.round((end - before) / queuesMade);
  return { before, end, queues, queuesMade, perQueueMade };
}
