import { encodeInbox } from '../../shared/events.ts';
import type { UserId } from '../../shared/ids.ts';
import type { Names } from '../../shared/profile-names.ts';
import type { OutboxEntry } from '../../shared/rpc.ts';
import { withNames } from '../../shared/system-names.ts';
import { viewOf } from './conversation-view.ts';
import type { Delivery } from './fan-out.ts';
import { messageDelivery } from './message-event.ts';
import { updateDelivery } from './message-updated-event.ts';
import type { LookUpNames } from './profile-names.ts';

type ConversationEntry = Extract<OutboxEntry, { kind: 'conversation' }>;

/** What an outbox row owes, ready to be published. */
export async function deliveryOf(entry: OutboxEntry, lookUpNames: LookUpNames): Promise<Delivery> {
  const [delivery] = await deliveriesOf([entry], lookUpNames);
  return delivery as Delivery;
}

/** As `deliveryOf`, for all that one change owes; names are asked for once, where any are. */
export async function deliveriesOf(
  entries: readonly OutboxEntry[],
  lookUpNames: LookUpNames,
): Promise<Delivery[]> {
  const records = entries.flatMap((entry) =>
    entry.kind === 'conversation' ? Object.values(entry.records) : [],
  );
  const messages = entries.flatMap((entry) => (entry.kind === 'message' ? entry.message : []));
  const names = await lookUpNames(records, messages);
  return entries.map((entry) => deliveryWith(entry, names));
}

function deliveryWith(entry: OutboxEntry, names: Names): Delivery {
  const { event_id: eventId, user_ids: userIds } = entry;
  if (entry.kind === 'message') {
    const record = withNames(entry.message, names);
    return messageDelivery({ eventId, userIds, record }, entry.without_preview);
  }
  if (entry.kind === 'message_updated') return updateDelivery(entry);
  return conversationDelivery(entry, names);
}

/** The `conversation` event, for each user their own view. Without a record: not for them. */
export function conversationDelivery(entry: ConversationEntry, names: Names): Delivery {
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of entry.user_ids) {
    const record = entry.records[userId];
    if (record === undefined) continue;
    const event = {
      type: 'conversation',
      change: entry.change,
      conversation: viewOf(record, userId, names),
    };
    const header = {
      kind: 'conversation' as const,
      conversationId: entry.conversation_id,
      seq: 0,
      senderId: undefined,
    };
    payload.set(userId, encodeInbox(header, JSON.stringify(event)));
  }
  return { eventId: entry.event_id, userIds: [...payload.keys()], payload };
}
