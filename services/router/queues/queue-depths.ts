import type { Device } from './known-queues.ts';
import { deviceOfSubject, type ShardInfo } from './queue-api.ts';

/** A stream keeps at most this many messages for one device. */
export const SUBJECT_MESSAGES_MAX = 10_000;
/**
 * A queue of this depth is given up. The room above it takes what is published while the router
 * looks.
 */
export const TOO_DEEP = SUBJECT_MESSAGES_MAX - 500;
/** This share of a full shard is made free. */
const FREE_SHARE = 0.1;

/**
 * Returns the devices with the deepest queues whose end frees a tenth of the shard, or none if a
 * tenth is free. JetStream tells the depth of a queue in messages alone, so each message counts as
 * one of mean size.
 */
export function toMakeRoom({ messages, bytes, bytesMax, subjects }: ShardInfo): Device[] {
  const excess = bytes - bytesMax * (1 - FREE_SHARE);
  if (excess <= 0 || messages === 0) return [];
  let left = excess / (bytes / messages);
  const deepest: Device[] = [];
  for (const [subject, depth] of Object.entries(subjects).sort(([, a], [, b]) => b - a)) {
    if (left <= 0) break;
    deepest.push(deviceOfSubject(subject));
    left -= depth;
  }
  return deepest;
}
