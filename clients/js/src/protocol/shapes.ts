/**
 * The server shows things in these shapes. All names are those of the wire contract. Ids are UUIDs,
 * and times are ISO 8601 in UTC with milliseconds.
 */

export type MessageType = 'text' | 'image' | 'file' | 'voice';

/** The message that another one replies to, as much of it as a preview shows. */
export type ReplyPreview = {
  message_id: string;
  sender_id: string;
  message_type: MessageType | 'system';
  /** The first 140 characters; empty if the message was deleted or cannot be read now. */
  content: string;
  deleted?: boolean;
};

export type Reaction = {
  emoji: string;
  count: number;
  /** The user of this client has reacted so. */
  mine: boolean;
};

export type Message = {
  message_id: string;
  conversation_id: string;
  /** The messages of a conversation are numbered 1, 2, 3 … and have no other order. */
  seq: number;
  sender_id: string;
  /** The sender's client named the message so. System messages have none. */
  client_msg_id?: string;
  /** The version rises with each edit, deletion and reaction. */
  version: number;
  /** A deleted message has no content, nor has one that the server cannot read now. */
  content?: string;
  message_type: MessageType | 'system';
  metadata?: Record<string, unknown>;
  reply_to?: ReplyPreview;
  sent_at: string;
  edited_at?: string;
  deleted_at?: string;
  reactions?: Reaction[];
};

/** A message of the history also has reactions, and the status of one's own messages. */
export type HistoryMessage = Message & {
  reactions: Reaction[];
  status?: 'sent' | 'delivered' | 'read';
};

export type ParticipantRole = 'customer' | 'agent' | 'business' | 'member' | 'admin';

export type Participant = {
  user_id: string;
  role: ParticipantRole;
  joined_at: string;
  name: string;
  avatar_url?: string;
  /** The highest `seq` that a device of the participant has. A business has no positions. */
  delivered_seq?: number;
  delivered_at?: string;
  read_seq?: number;
  read_at?: string;
};

export type LastMessage = {
  message_id: string;
  seq: number;
  sender_id: string;
  content: string;
  message_type: MessageType | 'system';
  sent_at: string;
};

export type ConversationType = 'direct' | 'group' | 'business';
export type BusinessState = 'waiting' | 'assigned' | 'closed';

export type Conversation = {
  conversation_id: string;
  type: ConversationType;
  /** The name that a list shows: the other person's, the group's title, or the business's. */
  name: string;
  avatar_url?: string;
  title?: string;
  description?: string;
  business_id?: string;
  /** Only business conversations have a state, an assignee and the two times. */
  state?: BusinessState;
  assignee_id?: string;
  waiting_since?: string;
  closed_at?: string;
  participants: Participant[];
  last_message?: LastMessage;
  version: number;
  /** The oldest message that this user can see has this `seq`. */
  first_seq: number;
  last_seq: number;
  /** A user who reads without taking part has no read position, no unread count and no mute. */
  last_read_seq?: number;
  unread?: number;
  is_muted?: boolean;
  muted_until?: string;
  archived_at?: string;
  created_at: string;
  last_activity: string;
};

/** A position says how far one participant is. */
export type Position = {
  user_id: string;
  delivered_seq: number;
  delivered_at?: string;
  read_seq: number;
  read_at?: string;
};

export type ConversationsPage = { conversations: Conversation[]; next_cursor: string | null };

export type HistoryPage = {
  /** The messages stand by ascending `seq`. */
  messages: HistoryMessage[];
  has_more: boolean;
  /** The oldest message that this user can see has this `seq`. */
  first_seq: number;
  receipts: Position[];
};

/** A send is acknowledged with this. */
export type MessageSent = {
  message_id: string;
  conversation_id: string;
  client_msg_id: string;
  seq: number;
  sent_at: string;
  /** The server had the message already. */
  duplicate?: boolean;
};

export type PresenceStatus = 'online' | 'offline' | 'unknown';
/** The presence of a user or of a business, whichever id is there. */
export type Presence = {
  user_id?: string;
  business_id?: string;
  status: PresenceStatus;
  last_seen_at?: string;
  /** A closed business opens then. */
  opens_at?: string;
};

export type WireError = {
  code: string;
  message: string;
  details?: unknown;
  /** Seconds, which may be a fraction. */
  retry_after?: number;
};
