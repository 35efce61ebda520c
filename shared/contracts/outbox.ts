import type { Static, TObject } from 'typebox';
import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { serverFrames } from '../protocol/server-frames.ts';
import type { messageUpdatedFields } from '../protocol/shapes.ts';
import type { ConversationRecord, Participants } from './conversations.ts';
import type { DurableEventKind } from './events.ts';
import type { MessageRecord } from './messages.ts';

/** An outbox entry is a fan-out that is owed. The transaction of a change writes the entry. */

type MessageUpdated = Static<TObject<typeof messageUpdatedFields>>;
export type MessageChange = MessageUpdated['change'];
/** The users stand in the order in which they reacted. */
export type ReactionSet = { emoji: string; user_ids: UserId[] };
/**
 * An update holds all that can change of a message, whatever the change was, so that a client that
 * gets a later update first lacks nothing. `version` is the message's version after the change. An
 * update has `content` if the message was edited, now or before.
 */
export type MessageUpdate = Omit<MessageUpdated, 'reactions'> & { reactions: ReactionSet[] };

export type ConversationChange = Static<(typeof serverFrames)['conversation']>['change'];

type OutboxAddress = {
  event_id: EventId;
  conversation_id: ConversationId;
  /** This is the version of the conversation, if store read it. */
  version?: number;
  /** These users get the event. */
  user_ids: UserId[];
};

/** Besides the fields of every entry, an entry holds those of its kind. */
type OutboxData = {
  message: {
    message: MessageRecord;
    /** These users cannot see the message that is replied to, so they get no preview of it. */
    without_preview?: UserId[];
  };
  message_updated: { update: MessageUpdate; changed_at: string };
  conversation: {
    change: ConversationChange;
    /** Each user gets their own record, and the edge puts names in. */
    records: Record<UserId, ConversationRecord>;
  };
};

export type OutboxEntryOf<Kind extends DurableEventKind> = OutboxAddress & {
  kind: Kind;
} & OutboxData[Kind];
/** An entry holds the data of which the router makes its event. */
export type OutboxEntry = { [Kind in DurableEventKind]: OutboxEntryOf<Kind> }[DurableEventKind];

/** A command without entries has changed nothing. */
export type ConversationChanged = {
  /** This is the conversation as the caller sees it now. A caller who left gets no record. */
  record?: ConversationRecord;
  participants: Participants;
  /** The router fans the entries out in this order. */
  entries: OutboxEntry[];
  /**
   * If somebody left, these events of the conversation were owed before, at most 1000. The router
   * settles them before it tells the user who left.
   */
  owed_before?: EventId[];
};
