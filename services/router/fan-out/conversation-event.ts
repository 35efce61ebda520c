import { encodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Delivery } from './fan-out.ts';
import { messageDelivery } from './message-event.ts';
import { updateDelivery } from './message-updated-event.ts';

type ConversationEntry = Extract<OutboxEntry, { kind: 'conversation' }>;

/** Makes the delivery that an outbox row owes. */
export function deliveryOf(entry: OutboxEntry): Delivery {
  const { event_id: eventId, user_ids: userIds } = entry;
  if (entry.kind === 'message') {
    return messageDelivery({ eventId, userIds, record: entry.message }, entry.without_preview);
  }
  if (entry.kind === 'message_updated') return updateDelivery(entry);
  return conversationDelivery(entry);
}

/**
 * Makes the `conversation` event. Each user gets their own record, and their edge turns it into a
 * view with names. A user without a record gets no event.
 */
function conversationDelivery(entry: ConversationEntry): Delivery {
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of entry.user_ids) {
    const record = entry.records[userId];
    if (record === undefined) continue;
    const event = { type: 'conversation', change: entry.change, conversation: record };
    const header = {
      kind: 'conversation' as const,
      eventId: entry.event_id,
      conversationId: entry.conversation_id,
      seq: 0,
      senderId: undefined,
      isNameless: true,
    };
    payload.set(userId, encodeDurableEvent(header, JSON.stringify(event)));
  }
  return { eventId: entry.event_id, userIds: [...payload.keys()], payload };
}
