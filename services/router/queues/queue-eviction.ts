import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { QueueInfo } from './queue-api.ts';

export const QUEUES_MAX = LIMITS.devicesMax;

export type QueueUse = { deviceId: string; info: QueueInfo };
/** `isHeld` tells whether some edge has a session of the device. */
export type Candidate = QueueUse & { isHeld: boolean };

/**
 * Chooses the queue that makes room: the longest unused one whose device is not connected. The
 * result is undefined if all devices are connected.
 */
export function longestUnused(queues: readonly Candidate[]): string | undefined {
  let oldest: { deviceId: string; usedAt: number } | undefined;
  for (const { deviceId, info, isHeld } of queues) {
    if (isHeld) continue;
    const usedAt = usedAtOf(info);
    if (oldest === undefined || usedAt < oldest.usedAt) oldest = { deviceId, usedAt };
  }
  return oldest?.deviceId;
}

/**
 * Returns the epoch ms of a queue's last sign of life: a delivery, an acknowledgement, or its
 * creation.
 */
function usedAtOf({ created, delivered, ack_floor: acked }: QueueInfo): number {
  const times = [created, delivered.last_active, acked.last_active];
  return Math.max(...times.map((time) => (time === undefined ? 0 : Date.parse(time))));
}
