import type { AppendResult } from '../../../shared/contracts/append.ts';
import { type DurableEventHeader, encodeDurableEvent } from '../../../shared/contracts/events.ts';
import type { MessageInput, MessageRecord } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type {
  DurableEvents,
  NamelessBodies,
  NamesShown,
} from '../../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import type { UserId } from '../../../shared/ids.ts';
import { namesPeople } from '../../../shared/protocol/system-messages.ts';
import type { Delivery } from './fan-out.ts';

export type Appended = Extract<AppendResult, { ok: true }>;

/** An edge has to put names into a body for which this is true. */
const IS_NAMELESS: { [Names in NamesShown]: (body: NamelessBodies[Names]) => boolean } = {
  message: namesPeople,
  conversation: () => true,
  nobody: () => false,
};

/**
 * Makes the delivery that an outbox entry owes. Each body is encoded once: users whose bodies are
 * the same object share its bytes, and bodies that are only alike are encoded each. A user for whom
 * the entry has no body gets no event. Without users nothing is encoded.
 */
export function deliveryOf(entry: OutboxEntry, events: DurableEvents = DURABLE_EVENTS): Delivery {
  const { kind, event_id: eventId, user_ids: userIds, conversation_id, at } = entry;
  const event = eventOf(entry, events);
  const facts = {
    kind,
    // An entry of a store of the version before does not say when the change happened.
    at: at ?? new Date().toISOString(),
    conversation_id,
    ...event.facts(entry),
  };
  const encode = (body: object): Uint8Array => {
    const header: DurableEventHeader = {
      kind,
      eventId,
      conversationId: conversation_id,
      seq: facts.seq ?? 0,
      senderId: facts.sender_id,
      isNameless: isNameless(event.names, body),
    };
    return encodeDurableEvent(header, `{"type":"${kind}",${JSON.stringify(body).slice(1)}`);
  };
  const { all, own } = event.bodies(entry);
  const isShared = userIds.length > 0 && !userIds.some((userId) => own?.has(userId));
  if (all !== undefined && isShared) {
    return { eventId, userIds, payload: encode(all), facts };
  }
  const encoded = new Map<object, Uint8Array>();
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of userIds) {
    const body = own?.get(userId) ?? all;
    if (body === undefined) continue;
    const bytes = encoded.get(body) ?? encode(body);
    encoded.set(body, bytes);
    payload.set(userId, bytes);
  }
  return { eventId, userIds: [...payload.keys()], payload, facts };
}

/** Returns the users who get the event of an entry: those for whom it has a body. */
export function recipientsOf(
  entry: OutboxEntry,
  events: DurableEvents = DURABLE_EVENTS,
): readonly UserId[] {
  const { all, own } = eventOf(entry, events).bodies(entry);
  return all === undefined ? entry.user_ids.filter((id) => own?.has(id)) : entry.user_ids;
}

function eventOf({ kind }: OutboxEntry, events: DurableEvents): DurableEvents[string] {
  const event = events[kind];
  if (event === undefined) throw new Error(`unknown kind of durable event: ${kind}`);
  return event;
}

function isNameless<Names extends NamesShown>(names: Names, body: object): boolean {
  return IS_NAMELESS[names](body as NamelessBodies[Names]);
}

/** Makes the record of a message that store has just appended. */
export function recordOf(input: MessageInput, appended: Appended): MessageRecord {
  const record: MessageRecord = {
    message_id: appended.message_id,
    conversation_id: input.conversation_id,
    seq: appended.seq,
    sender_id: input.user_id,
    client_msg_id: input.client_msg_id,
    version: 1,
    content: input.content,
    message_type: input.message_type ?? 'text',
    sent_at: appended.sent_at,
  };
  if (input.metadata !== undefined) record.metadata = input.metadata;
  if (appended.reply_to !== undefined) record.reply_to = appended.reply_to;
  return record;
}
