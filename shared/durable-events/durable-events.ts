import { CONVERSATION } from './conversation.ts';
import type { DurableEvents } from './durable-event.ts';
import { MESSAGE } from './message.ts';
import { MESSAGE_UPDATED } from './message-updated.ts';

/** The table has every kind of durable event. A new kind is a file and a row here. */
export const DURABLE_EVENTS = {
  message: MESSAGE,
  message_updated: MESSAGE_UPDATED,
  conversation: CONVERSATION,
} satisfies DurableEvents;
