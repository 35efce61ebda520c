import type { UserSignal } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { Session } from './session.ts';

/**
 * Tells all edges that hold the user about this session. An edge that has an older session of the
 * device closes it. One that has a newer session tells of that in turn, so that this one ends.
 */
export function publishReplaced(bus: Pick<Bus, 'publish'>, session: Session, userId: UserId): void {
  const signal: UserSignal = {
    kind: 'replaced',
    device_id: session.deviceId,
    epoch: session.epoch,
    session_id: session.sessionId,
  };
  bus.publish(subjects.user(userId), JSON.stringify(signal));
}
