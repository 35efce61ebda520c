import { type DurableEventHeader, encodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { MessageUpdate, OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { Delivery } from './fan-out.ts';

type UpdateEntry = Extract<OutboxEntry, { kind: 'message_updated' }>;

/**
 * Makes the `message_updated` event. The field `mine` differs by user, so each user who has reacted
 * gets their own bytes, and all other users share theirs.
 */
export function updateDelivery(entry: UpdateEntry): Delivery {
  const { event_id: eventId, user_ids: userIds, update } = entry;
  const common = encodeUpdate(eventId, update);
  const reactors = new Set(update.reactions.flatMap(({ user_ids }) => user_ids));
  if (!userIds.some((userId) => reactors.has(userId))) return { eventId, userIds, payload: common };
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of userIds) {
    payload.set(userId, reactors.has(userId) ? encodeUpdate(eventId, update, userId) : common);
  }
  return { eventId, userIds, payload };
}

function encodeUpdate(eventId: EventId, update: MessageUpdate, viewer?: UserId): Uint8Array {
  const { reactions, ...rest } = update;
  const event = {
    type: 'message_updated',
    ...rest,
    ...(update.deleted_at === undefined && {
      reactions: reactions.map(({ emoji, user_ids }) => ({
        emoji,
        count: user_ids.length,
        mine: viewer !== undefined && user_ids.includes(viewer),
      })),
    }),
  };
  const header: DurableEventHeader = {
    kind: 'message_updated',
    eventId,
    conversationId: update.conversation_id,
    seq: update.seq,
    senderId: undefined,
    isNameless: false,
  };
  return encodeDurableEvent(header, JSON.stringify(event));
}
