import type { Static, TObject } from 'typebox';
import type { ConversationId, UserId } from '../ids.ts';
import type {
  EditRequest,
  HistoryRequest as HistoryAsked,
  MessageRequest,
  ReactRequest,
  SendRequest,
} from '../protocol/message-requests.ts';
import type {
  HistoryShape,
  LastMessageShape,
  MessageSentShape,
  MessageShape,
  messageEventFields,
  messageUpdatedFields,
  ReactionShape,
  ReplyPreviewShape,
} from '../protocol/shapes.ts';
import type { SystemSaid } from '../protocol/system-messages.ts';

/**
 * Services hand messages to each other in these shapes. A record is the shape that clients see,
 * before an edge has put names into it: a system message then carries `said` if its content shows
 * names.
 */

type MessageEvent = Static<TObject<typeof messageEventFields>>;
export type MessageType = NonNullable<SendRequest['message_type']>;

/** An edge makes `content` out of `said`, and removes `said`. */
type Said = { said?: SystemSaid };
export type LastMessage = LastMessageShape & Said;
export type ReplyPreview = ReplyPreviewShape & Said;
type WithRecords<Shape> = Omit<Shape, 'reply_to'> & { reply_to?: ReplyPreview };

/** This is a message as events carry it. A changed message has the time of the change. */
export type MessageRecord = WithRecords<MessageEvent>;
/** This is a message as history shows it to one user. */
export type HistoryMessage = WithRecords<MessageShape>;

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

/** A user sends a message. */
export type MessageInput = { user_id: UserId } & SendRequest;
export type MessageSent = MessageSentShape;

/** A message stands at its place and never moves. */
export type MessagePlace = { conversation_id: ConversationId; seq: number; sent_at: string };
export type NamedMessage = { user_id: UserId } & MessageRequest;
/** A request names a message and its place, which `messages.locate` has told before. */
export type MessageTarget = NamedMessage & { place: MessagePlace };
export type MessageEdit = MessageTarget & EditRequest;
export type MessageReaction = MessageTarget & ReactRequest;
export type Reaction = ReactionShape;

export type HistoryRequest = { user_id: UserId } & HistoryAsked;
export type HistoryReceipt = HistoryShape['receipts'][number];
export type HistoryPage = Omit<HistoryShape, 'messages'> & { messages: HistoryMessage[] };

/** A replay shows the message as its changes have left it, and not the changes. */
export type UndeliveredMessage = MessageRecord & { reactions?: Reaction[] };
/**
 * A page of the replay begins with the oldest message. `complete` on the last page says that the
 * replay was not cut.
 */
export type UndeliveredPage = {
  messages: UndeliveredMessage[];
  next_cursor: string | null;
  complete: boolean;
};
