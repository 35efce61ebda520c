import type { Look, Moment } from '../usage/measurements.ts';

export type HeapParts = {
  looks: Partial<Record<Moment, Look>>;
  /** Device queues of this run, of devices that stayed and of devices that are away. */
  queues: number;
  /** Those of them that were not there before. */
  queuesMade: number;
};

/** What NATS holds without its garbage, in bytes; undefined where NATS could not be asked. */
export type HeapReport = {
  before: number;
  end: number;
  queues: number;
  queuesMade: number;
  /** The growth for each device queue that was made; undefined where none was. */
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
