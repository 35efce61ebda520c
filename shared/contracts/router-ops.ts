import type { ConversationId, UserId } from '../ids.ts';
import type { ReactionsShape, ReadShape } from '../protocol/shapes.ts';
import type {
  ConversationCommands,
  ConversationCreate,
  ConversationRecord,
  InConversation,
} from './conversations.ts';
import type {
  HistoryMessage,
  MessageEdit,
  MessageInput,
  MessageReaction,
  MessageSent,
  MessageTarget,
} from './messages.ts';
import type { DeliveredItem, ReadInput } from './positions.ts';

export type SessionOpen = { user_id: UserId; device_id: string; resync?: boolean };
/** On `too_many_devices` the edge closes 4504. `epoch` orders the sessions of one device. */
export type SessionOpened =
  | { resumed: boolean; epoch: number; too_many_devices?: undefined }
  | { too_many_devices: true };

/**
 * A session ends its own typing only. `was_told` comes with an end: a router that is dead by now
 * may have told other participants that the session types.
 */
export type TypingInput = {
  user_id: UserId;
  conversation_id: ConversationId;
  session_id: string;
  is_typing: boolean;
  was_told?: true;
};

type Showing = 'conversations.update' | 'conversations.add';
/** Two kinds of changes answer with what the caller sees afterwards. */
type Changes = {
  [Op in keyof ConversationCommands]: [
    InConversation & ConversationCommands[Op],
    Op extends Showing ? ConversationRecord : undefined,
  ];
};

/**
 * A router answers these on `rpc.router.<instance>`: operation → [request, reply]. All of them are
 * commands, and no reply holds a name: an edge reads from store, and puts names in itself.
 */
export type RouterOps = {
  message: [MessageInput, MessageSent];
  'session.open': [SessionOpen, SessionOpened];
  /** A request holds at most 1000 items. The answer comes once RECEIPTS has them. */
  delivered: [{ items: DeliveredItem[] }, undefined];
  read: [ReadInput, ReadShape];
  typing: [TypingInput, object];
  'conversations.create': [ConversationCreate, { created: boolean; record: ConversationRecord }];
  'messages.edit': [MessageEdit, HistoryMessage];
  'messages.delete': [MessageTarget, HistoryMessage];
  'messages.react': [MessageReaction, ReactionsShape];
} & Changes;

/** The operation stands in the body of a request, because a router has one subject. */
export type RouterRequestOf<Op extends keyof RouterOps> = { op: Op } & RouterOps[Op][0];
export type RouterRequest = { [Op in keyof RouterOps]: RouterRequestOf<Op> }[keyof RouterOps];
