import type { UserId } from '../../../shared/ids.ts';
import type { QueueUse } from './queue-eviction.ts';
import type { RecentPublish } from './recent-publishes.ts';

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

type Tail = {
  /** The stream ends at this sequence number now. */
  lastSeq: number;
  /** The stream had acknowledged this sequence number to the router, and none above it. */
  acknowledged: number;
  recent: readonly RecentPublish[];
};

/**
 * Returns the users whose queues a restart of the server may have hurt. An event of each `lost`
 * user is gone from the stream; `lost` is 'all' if the stream lost more than the router remembers.
 * The consumers of a `suspect` user may stand above the stream's end, and would then skip the next
 * events.
 */
export function concernedBy(tail: Tail): { lost: UserId[] | 'all'; suspect: UserId[] } {
  const { lastSeq, acknowledged, recent } = tail;
  const lost = new Set<UserId>();
  const suspect = new Set<UserId>();
  let oldest = Number.POSITIVE_INFINITY;
  for (const { userId, seq } of recent) {
    if (seq > 0) oldest = Math.min(oldest, seq);
    if (seq > lastSeq) lost.add(userId);
    else suspect.add(userId);
  }
  // Other routers publish in between, so a gap in the sequence numbers of this router is no loss.
  // But the router cannot tell whose events are gone below its oldest remembered publish.
  if (lastSeq < acknowledged && oldest > lastSeq + 1) return { lost: 'all', suspect: [] };
  return { lost: [...lost], suspect: [...suspect].filter((userId) => !lost.has(userId)) };
}
