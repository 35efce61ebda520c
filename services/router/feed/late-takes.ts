import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import type { LateTake } from '../../../shared/contracts/router-ops.ts';

/** Tells the feed that one device has taken an event after the feed had told of the event. */
export function lateTakeEvent(item: LateTake): FeedEvent {
  const [conversation_id, user_id, deviceId, event_id, seq, atMs, isInUse] = item;
  return {
    kind: 'taken_late',
    event_id,
    at: new Date(atMs).toISOString(),
    conversation_id,
    ...(seq > 0 && { seq }),
    recipients: [{ user_id, taken: [deviceId], ...(isInUse && { in_use: true }) }],
  };
}
