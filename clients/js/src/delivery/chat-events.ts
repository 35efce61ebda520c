import type { OutboxChange } from '../engine/line.ts';
import type { MessageUpdate, ServerFrames } from '../protocol/events.ts';
import type { Conversation, Message, Presence } from '../protocol/shapes.ts';
import type { ConnectionState } from '../tabs/tab-message.ts';

/** An application hears of these by `chat.on`. */
export type ChatEvents = {
  state: ConnectionState;
  /**
   * A message that is new to this client. Each comes once, and in the order of `seq`: only one that
   * was sent before the client first heard of the conversation may come behind later ones, and is
   * `isLate`. If the handler returns a promise, the server is told that the client has the message
   * once the promise has settled. This holds for all events that the server keeps.
   */
  message: Message & { isLate: boolean };
  /** A message was edited or deleted, or its reactions changed. Each version comes once. */
  message_updated: MessageUpdate;
  /** A conversation is new, or has changed. Each version comes once. */
  conversation: Omit<ServerFrames['conversation'], 'q'>;
  receipt: ServerFrames['receipt'];
  unread: ServerFrames['unread'];
  typing: ServerFrames['typing'];
  presence: Presence;
  inbox: ServerFrames['inbox'];
  profile_updated: ServerFrames['profile_updated'];
  /** A session with the server has begun. */
  session: { user_id: string };
  /**
   * Events may have been lost. The client has read the messages that it lacked, and found these
   * conversations. Read again what else you show.
   */
  caught_up: { conversations: Conversation[] };
  outbox: OutboxChange;
  /** The storage fails, or tabs cannot find each other. The client goes on without. */
  degraded: { what: 'storage' | 'tabs'; reason: string };
  /** The user has gone, here or in another tab. */
  logout: undefined;
  /** A handler of the application has failed, or something that the client did by itself. */
  error: unknown;
};
