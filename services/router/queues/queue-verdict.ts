import type { UserId } from '../../../shared/ids.ts';
import type { QueueUse } from './queue-eviction.ts';
import type { RecentPublish } from './recent-publishes.ts';

/** What a stream keeps for one user, over all devices. */
export const SUBJECT_MESSAGES_MAX = 10_000;
/** From here a queue is given up: what is published while we look still fits. */
export const TOO_DEEP = SUBJECT_MESSAGES_MAX - 500;

/** The devices whose queue holds the user's subject full; if none alone does, the deepest. */
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
  /** The stream's last sequence now. */
  lastSeq: number;
  /** The highest it had acknowledged to us. */
  acknowledged: number;
  recent: readonly RecentPublish[];
};

/**
 * Whose queues a restart of the server may have hurt. `lost`: something of theirs is gone from the
 * stream ("all" where it lost more than we remember). `suspect`: their consumers may stand above
 * the stream's end and would skip what comes next.
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
  // Sequences of other routers lie in between: only what is below our oldest is unknown to us.
  if (lastSeq < acknowledged && oldest > lastSeq + 1) return { lost: 'all', suspect: [] };
  return { lost: [...lost], suspect: [...suspect].filter((userId) => !lost.has(userId)) };
}
