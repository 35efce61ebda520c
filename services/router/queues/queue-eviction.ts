import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { QueueInfo } from './queue-api.ts';

export const QUEUES_MAX = LIMITS.devicesMax;

export type QueueUse = { deviceId: string; info: QueueInfo };
/** `isHeld` tells whether some edge has a session of the device. */
export type Candidate = QueueUse & { isHeld: boolean };
/** The times at which edges saw devices last, by device id, as store tells them. */
export type LastSeen = ReadonlyMap<string, string>;

/**
 * Chooses the queue that makes room: of the devices that are not connected, the one that was there
 * last the longest time ago. The result is undefined if all devices are connected.
 */
export function longestUnused(
  queues: readonly Candidate[],
  lastSeen: LastSeen,
): string | undefined {
  let oldest: { deviceId: string; thereAt: number } | undefined;
  for (const { deviceId, info, isHeld } of queues) {
    if (isHeld) continue;
    const thereAt = lastSignOf(info, lastSeen.get(deviceId));
    if (oldest === undefined || thereAt < oldest.thereAt) oldest = { deviceId, thereAt };
  }
  return oldest?.deviceId;
}

/**
 * Returns the epoch ms of the last sign that the device was there. Edges tell of a device when its
 * session ends, or up to an hour before. A queue that is newer than that was made for a session,
 * and a queue delivers only to a session. So a device of which store knows nothing yet counts by
 * its queue.
 */
function lastSignOf(info: QueueInfo, seenAt: string | undefined): number {
  const { created, delivered, ack_floor: acked } = info;
  const times = [seenAt, created, delivered.last_active, acked.last_active];
  return Math.max(...times.map((time) => (time === undefined ? 0 : Date.parse(time))));
}
