import type { QueueUse } from './queue-eviction.ts';

/** A stream keeps at most this many messages for one user, over all devices. */
export const SUBJECT_MESSAGES_MAX = 10_000;
/**
 * A queue of this depth is given up. The room above it takes what is published while the router
 * looks.
 */
export const TOO_DEEP = SUBJECT_MESSAGES_MAX - 500;

/**
 * Returns the devices whose queues keep the user's subject full, or the device with the deepest
 * queue if no queue does so alone.
 */
export function tooDeep(queues: readonly QueueUse[]): string[] {
  const depths = queues.map(({ deviceId, info }) => ({
    deviceId,
    depth: info.num_pending + info.num_ack_pending,
  }));
  const deep = depths.filter(({ depth }) => depth >= TOO_DEEP);
  if (deep.length > 0) return deep.map(({ deviceId }) => deviceId);
  depths.sort((a, b) => b.depth - a.depth);
  return depths.slice(0, 1).map(({ deviceId }) => deviceId);
}
