import type { Static, TObject } from 'typebox';
import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { serverFrames } from '../protocol/server-frames.ts';
import type { messageUpdatedFields } from '../protocol/shapes.ts';
import type { ConversationRecord, Participants } from './conversations.ts';
import type { MessageRecord } from './messages.ts';

/** Fan-outs that are owed, and the changes that owe them. */

type MessageUpdated = Static<TObject<typeof messageUpdatedFields>>;
export type MessageChange = MessageUpdated['change'];
/** Who reacted with the emoji, in order. */
export type ReactionSet = { emoji: string; user_ids: UserId[] };
/**
 * A message after a change: all that can change of it, whatever the change was, so that who gets a
 * later update before this one lacks nothing. `version` is the one this change made. `content` is
 * there where the message was edited, now or before.
 */
export type MessageUpdate = Omit<MessageUpdated, 'reactions'> & { reactions: ReactionSet[] };

export type ConversationChange = Static<(typeof serverFrames)['conversation']>['change'];

/** A fan-out that is owed. `event` is the whole event without `q` for each kind. */
export type OutboxEntry = {
  event_id: EventId;
  conversation_id: ConversationId;
  /** The conversation's, where it was read. */
  version?: number;
  /** Who gets it. */
  user_ids: UserId[];
} & (
  | {
      kind: 'message';
      message: MessageRecord;
      /** They cannot see what it replies to. */
      without_preview?: UserId[];
    }
  | { kind: 'message_updated'; update: MessageUpdate; changed_at: string }
  /** Each user gets their own record; the edge puts names in. */
  | {
      kind: 'conversation';
      change: ConversationChange;
      records: Record<UserId, ConversationRecord>;
    }
);

/** What a command did: nothing where there are no entries. */
export type ConversationChanged = {
  /** As the caller sees it now; absent where they left. */
  record?: ConversationRecord;
  participants: Participants;
  /** In the order in which they are to be fanned out. */
  entries: OutboxEntry[];
  /**
   * Only where somebody left: the events of the conversation that were owed before, ≤ 1000. They
   * have to be settled before that one is told.
   */
  owed_before?: EventId[];
};
