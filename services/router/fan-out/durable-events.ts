import type { Static } from 'typebox';
import type { AppendResult } from '../../../shared/contracts/append.ts';
import {
  type DurableEventHeader,
  type DurableEventKind,
  encodeDurableEvent,
} from '../../../shared/contracts/events.ts';
import type { MessageInput, MessageRecord } from '../../../shared/contracts/messages.ts';
import type { MessageUpdate, OutboxEntryOf } from '../../../shared/contracts/outbox.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import type { serverFrames } from '../../../shared/protocol/server-frames.ts';
import { namesPeople } from '../../../shared/protocol/system-messages.ts';
import type { Delivery } from './fan-out.ts';

export type Appended = Extract<AppendResult, { ok: true }>;

type DurableEvent<Kind extends DurableEventKind> = {
  toDelivery: (entry: OutboxEntryOf<Kind>) => Delivery;
  /** Returns the ISO 8601 time of the change that the event tells of, if the entry shows it. */
  changedAt: (entry: OutboxEntryOf<Kind>) => string | undefined;
};

/** This table says of each kind of durable event how its outbox entry is read. */
const DURABLE_EVENTS: { [Kind in DurableEventKind]: DurableEvent<Kind> } = {
  message: {
    toDelivery({ event_id: eventId, user_ids: userIds, message, without_preview }) {
      return messageDelivery({ eventId, userIds, record: message }, without_preview);
    },
    changedAt: ({ message }) => message.sent_at,
  },
  message_updated: {
    toDelivery: updateDelivery,
    changedAt: ({ changed_at }) => changed_at,
  },
  conversation: {
    toDelivery: conversationDelivery,
    changedAt({ change, records }) {
      const record = Object.values(records)[0];
      return change === 'created' ? record?.created_at : record?.last_activity;
    },
  },
};

/** Makes the delivery that an outbox entry owes. */
export function deliveryOf<Kind extends DurableEventKind>(entry: OutboxEntryOf<Kind>): Delivery {
  return DURABLE_EVENTS[entry.kind].toDelivery(entry);
}

/** Returns the ISO 8601 time of the change that an entry tells of, if the entry shows it. */
export function changedAtOf<Kind extends DurableEventKind>(
  entry: OutboxEntryOf<Kind>,
): string | undefined {
  return DURABLE_EVENTS[entry.kind].changedAt(entry);
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

type Addressed = { eventId: EventId; userIds: readonly UserId[]; record: MessageRecord };

/**
 * Makes the `message` event, with the same bytes for all users. Users who cannot see the message
 * that it replies to get it without `reply_to`, as if that message did not exist.
 */
export function messageDelivery(
  { eventId, userIds, record }: Addressed,
  withoutPreview: readonly UserId[] = [],
): Delivery {
  const common = encodeMessageEvent(eventId, record);
  const { conversation_id, seq, sender_id, sent_at: at } = record;
  const facts = { kind: 'message' as const, at, conversation_id, seq, sender_id };
  if (withoutPreview.length === 0 || record.reply_to === undefined) {
    return { eventId, userIds, payload: common, facts };
  }
  const { reply_to: _hidden, ...rest } = record;
  const bare = encodeMessageEvent(eventId, rest);
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of userIds) {
    payload.set(userId, withoutPreview.includes(userId) ? bare : common);
  }
  return { eventId, userIds, payload, facts };
}

/** Encodes the `message` event as a queue holds it. */
function encodeMessageEvent(eventId: EventId, record: MessageRecord): Uint8Array {
  const header: DurableEventHeader = {
    kind: 'message',
    eventId,
    conversationId: record.conversation_id,
    seq: record.seq,
    senderId: record.sender_id,
    isNameless: namesPeople(record),
  };
  return encodeDurableEvent(header, `{"type":"message",${JSON.stringify(record).slice(1)}`);
}

/**
 * Makes the `message_updated` event. The field `mine` differs by user, so each user who has reacted
 * gets their own bytes, and all other users share theirs.
 */
function updateDelivery(entry: OutboxEntryOf<'message_updated'>): Delivery {
  const { event_id: eventId, user_ids: userIds, update } = entry;
  const common = encodeUpdate(eventId, update);
  const reactors = new Set(update.reactions.flatMap(({ user_ids }) => user_ids));
  const { change, conversation_id, seq, version } = update;
  const at = entry.changed_at;
  const facts = { kind: entry.kind, change, at, conversation_id, seq, version };
  if (!userIds.some((userId) => reactors.has(userId))) {
    return { eventId, userIds, payload: common, facts };
  }
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of userIds) {
    payload.set(userId, reactors.has(userId) ? encodeUpdate(eventId, update, userId) : common);
  }
  return { eventId, userIds, payload, facts };
}

function encodeUpdate(eventId: EventId, update: MessageUpdate, viewer?: UserId): Uint8Array {
  const { reactions, ...rest } = update;
  const event: Static<(typeof serverFrames)['message_updated']> = {
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

/**
 * Makes the `conversation` event. Each user gets their own record, and their edge turns it into a
 * view with names. A user without a record gets no event.
 */
function conversationDelivery(entry: OutboxEntryOf<'conversation'>): Delivery {
  const payload = new Map<UserId, Uint8Array>();
  for (const userId of entry.user_ids) {
    const record = entry.records[userId];
    if (record === undefined) continue;
    const event = { type: 'conversation', change: entry.change, conversation: record };
    const header: DurableEventHeader = {
      kind: 'conversation',
      eventId: entry.event_id,
      conversationId: entry.conversation_id,
      seq: 0,
      senderId: undefined,
      isNameless: true,
    };
    payload.set(userId, encodeDurableEvent(header, JSON.stringify(event)));
  }
  const { kind, change, conversation_id } = entry;
  const at = changedAtOf(entry) ?? new Date().toISOString();
  const facts = { kind, change, at, conversation_id };
  return { eventId: entry.event_id, userIds: [...payload.keys()], payload, facts };
}
