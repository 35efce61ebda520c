import type { DURABLE_EVENTS } from '../durable-events/durable-events.ts';
import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { ConversationRecord, Participants } from './conversations.ts';
import type { DurableEventKind } from './events.ts';
import type { InboxChange } from './inbox.ts';

/** Besides the fields of every entry, an entry holds those of its kind. */
export type OutboxEntryOf<Kind extends DurableEventKind> = { kind: Kind } & Parameters<
  (typeof DURABLE_EVENTS)[Kind]['bodies']
>[0];
/**
 * An outbox entry is a fan-out that is owed. The transaction of a change writes its row. The entry
 * holds the data of which the router makes its event.
 */
export type OutboxEntry = { [Kind in DurableEventKind]: OutboxEntryOf<Kind> }[DurableEventKind];

export type OutboxMissed = {
  event_id: EventId;
  missed: readonly UserId[] | null;
  is_fed: boolean;
};

/** A router tells this of a conversation that was changed. */
export type ConversationToTell = Omit<ConversationChanged, 'record'>;
/** Agents were removed from a business, and what they had waits again. */
export type ReturnedConversations = {
  /** These are all of the conversations, with the version and the customer of each. */
  all: [ConversationId, number, UserId][];
  /** The answer has room for these. A repair brings the events of the others. */
  told: ConversationToTell[];
};

/** A command without entries has changed nothing. */
export type ConversationChanged = {
  /**
   * This is the conversation as the caller sees it now. A caller who left gets no record, but an
   * agent who took a step gets one that shows nothing of their own.
   */
  record?: ConversationRecord;
  participants: Participants;
  /**
   * The router fans the entries out in this order. Only an entry with `closes_membership` waits: it
   * tells the user who left, after all that was owed before.
   */
  entries: OutboxEntry[];
  /**
   * If somebody left, these events of the conversation were owed to users before. The router
   * settles them before it tells the user who left. The list is left out if it would have more than
   * 1000 events, or if more than 50 000 rows of all conversations are owed to users.
   */
  owed_before?: EventId[];
  /** This changed in the inbox of a business. */
  inbox?: InboxChange[];
};
