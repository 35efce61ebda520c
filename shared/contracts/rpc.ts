import type { BusinessId, ConversationId, EventId, MessageId, UserId } from '../ids.ts';
import type { ContactsList, ContactsPage, ContactsShared, TypingInput } from './rpc-live.ts';
import type {
  HistoryMessage,
  LastMessage,
  MessageRecord,
  MessageType,
  Reaction,
  ReplyPreview,
} from './rpc-messages.ts';
import type {
  ConversationPositions,
  DeliveredItem,
  ReadInput,
  ReadResult,
} from './rpc-positions.ts';

export type * from './rpc-live.ts';
export type * from './rpc-messages.ts';
export type * from './rpc-positions.ts';

/** Request and reply bodies between services. Times are ISO 8601 UTC with ms, unless `…_ms`. */

export type ConversationType = 'direct' | 'group' | 'business';
export type Role = 'customer' | 'agent' | 'business' | 'member' | 'admin';

// --- edge → router, one subject per instance: the operation is in the body -----------------------

export type MessageInput = {
  user_id: UserId;
  conversation_id: ConversationId;
  client_msg_id: string;
  content: string;
  message_type?: MessageType;
  metadata?: Record<string, unknown>;
  reply_to?: MessageId;
};
export type MessageSent = {
  message_id: MessageId;
  conversation_id: ConversationId;
  client_msg_id: string;
  seq: number;
  sent_at: string;
  duplicate?: true;
};

export type SessionOpen = { user_id: UserId; device_id: string; resync?: boolean };
/** `too_many_devices`: the edge closes 4504. `epoch` orders sessions of one device. */
export type SessionOpened =
  | { resumed: boolean; epoch: number; too_many_devices?: undefined }
  | { too_many_devices: true };

export type ConversationInput =
  | {
      type: 'direct' | 'group';
      participant_ids: UserId[];
      title?: string;
      description?: string;
      avatar_url?: string;
    }
  | { type: 'business'; business_id: BusinessId };

export type RouterRequest =
  | ({ op: 'message' } & MessageInput)
  | ({ op: 'session.open' } & SessionOpen)
  /** ≤ 1000 items; answered once they are on their way to stay. */
  | { op: 'delivered'; items: DeliveredItem[] }
  | ({ op: 'read' } & ReadInput)
  | ({ op: 'typing' } & TypingInput)
  | { op: 'conversations.create'; user_id: UserId; conversation: ConversationInput }
  | { op: 'conversations.get'; user_id: UserId; conversation_id: ConversationId }
  | ({ op: 'conversations.list' } & ConversationsList)
  | ({ op: 'messages.edit' } & MessageEdit)
  | ({ op: 'messages.delete' } & MessageTarget)
  | ({ op: 'messages.react' } & MessageReaction)
  | ConversationCommand;

/** Where a message stands: it never moves. */
export type MessagePlace = { conversation_id: ConversationId; seq: number; sent_at: string };
/** A message as one user names it; `place` comes from `messages.locate`. */
export type MessageTarget = { user_id: UserId; message_id: MessageId; place: MessagePlace };
export type MessageEdit = MessageTarget & { content: string };
export type MessageReaction = MessageTarget & { emoji: string; remove?: boolean };

/** A change of a conversation by one who takes part, or its user's own settings of it. */
export type ConversationCommands = {
  'conversations.update': { title?: string; description?: string; avatar_url?: string };
  /** `share_history`: they see what the one who adds them sees, else from their joining on. */
  'conversations.add': { user_ids: UserId[]; share_history?: boolean };
  /** `member_id` is the caller's own: they leave. */
  'conversations.remove': { member_id: UserId };
  'conversations.archive': unknown;
  /** Without `until`: until it is taken back. */
  'conversations.mute': { until?: string };
  'conversations.unmute': unknown;
};
export type ConversationCommand = {
  [Op in keyof ConversationCommands]: { op: Op } & InConversation & ConversationCommands[Op];
}[keyof ConversationCommands];
export type InConversation = { user_id: UserId; conversation_id: ConversationId };

/** Router's answer: the protocol's conversation shape for the asking user. */
export type ConversationCreated = { conversation: ConversationView; created: boolean };
export type ConversationPage = { conversations: ConversationView[]; next_cursor: string | null };

/** The protocol's `conversation`, names resolved. */
export type ConversationView = {
  conversation_id: ConversationId;
  type: ConversationType;
  name: string;
  avatar_url?: string;
  title?: string;
  description?: string;
  business_id?: BusinessId;
  participants: (ParticipantRecord & { name: string; avatar_url?: string })[];
  last_message?: LastMessage;
  version: number;
  first_seq: number;
  last_seq: number;
  last_read_seq: number;
  unread: number;
  is_muted: boolean;
  muted_until?: string;
  archived_at?: string;
  created_at: string;
  last_activity: string;
};

// --- → store, `rpc.store.<op>` -------------------------------------------------------------------

export type ParticipantRecord = {
  user_id: UserId;
  role: Role;
  joined_at: string;
  delivered_seq: number;
  delivered_at?: string;
  read_seq: number;
  read_at?: string;
};
/** A conversation as one user sees it, without names. */
export type ConversationRecord = {
  conversation_id: ConversationId;
  type: ConversationType;
  title?: string;
  description?: string;
  avatar_url?: string;
  business_id?: BusinessId;
  version: number;
  first_seq: number;
  last_seq: number;
  last_read_seq: number;
  unread: number;
  is_muted: boolean;
  muted_until?: string;
  archived_at?: string;
  created_at: string;
  last_activity: string;
  participants: ParticipantRecord[];
  last_message?: LastMessage;
};

export type AppendItem = Omit<MessageInput, 'conversation_id'>;
/** The waiting sends of one conversation: ≤ 64, ≤ 512 KiB. */
export type AppendRequest = {
  conversation_id: ConversationId;
  items: AppendItem[];
  /** Who takes part is not known to the caller. */
  needs_participants?: true;
};
/** One answer per item, in order; a refused item hurts no other. */
export type AppendResult =
  | {
      ok: true;
      message_id: MessageId;
      event_id: EventId;
      seq: number;
      sent_at: string;
      reply_to?: ReplyPreview;
      /** Of the message replied to: who cannot see that far back gets no preview. */
      reply_to_seq?: number;
      /** The key was known: values are the first message's. */
      duplicate?: true;
      /** Only with `duplicate`: its fan-out is still owed (the outbox row is there). */
      fanout_pending?: boolean;
    }
  | {
      ok: false;
      error: { code: string; message: string; details?: unknown; retry_after?: number };
    };
export type AppendReply = {
  /** Rises when who takes part changes; the router reloads before it fans out. */
  conversation_version: number;
  results: AppendResult[];
  /** Where asked for, as they were before or after it: their `version` tells. */
  participants?: Participants;
};

export type Participants = {
  conversation_id: ConversationId;
  type: ConversationType;
  version: number;
  user_ids: UserId[];
  /** [user, first `seq` they can see], of those who cannot see all. */
  late: [UserId, number][];
  /** [user, first `seq` they are sent], of those who joined after the first message. */
  joiners: [UserId, number][];
};

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

export type HistoryRequest = {
  user_id: UserId;
  conversation_id: ConversationId;
  before_seq?: number;
  after_seq?: number;
  since?: string;
  limit?: number;
};
export type HistoryReceipt = {
  user_id: UserId;
  delivered_seq: number;
  delivered_at?: string;
  read_seq: number;
  read_at?: string;
};
export type HistoryPage = {
  messages: HistoryMessage[];
  has_more: boolean;
  first_seq: number;
  receipts: HistoryReceipt[];
};

export type ConversationsList = {
  user_id: UserId;
  limit?: number;
  cursor?: string;
  archived?: boolean;
};

/** Changes are not replayed: what they made of the message comes with it. */
export type UndeliveredMessage = MessageRecord & { reactions?: Reaction[] };

/** One page of the replay, oldest first. `complete` is true on the last page if nothing was cut. */
export type UndeliveredPage = {
  messages: UndeliveredMessage[];
  next_cursor: string | null;
  complete: boolean;
};

export type MessageChange = 'edited' | 'deleted' | 'reactions';
/** Who reacted with it, in order. */
export type ReactionSet = { emoji: string; user_ids: UserId[] };
/**
 * A message after a change: all that can change of it, whatever the change was, so that who gets a
 * later update before this one lacks nothing. `version` is the one this change made.
 */
export type MessageUpdate = {
  message_id: MessageId;
  conversation_id: ConversationId;
  seq: number;
  version: number;
  change: MessageChange;
  /** Where it was edited, now or before. */
  content?: string;
  edited_at?: string;
  deleted_at?: string;
  reactions: ReactionSet[];
};

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
  /** The router composes the view for each user from `record`. */
  | {
      kind: 'conversation';
      change: ConversationChange;
      records: Record<UserId, ConversationRecord>;
    }
);
export type ConversationChange = 'created' | 'updated' | 'participants' | 'assigned' | 'archived';

/** Operation → [request, reply]. */
export type StoreOps = {
  'messages.append': [AppendRequest, AppendReply];
  'messages.history': [HistoryRequest, HistoryPage];
  'messages.undelivered': [{ user_id: UserId; cursor?: string }, UndeliveredPage];
  /** Refusal, as of those below: MESSAGE_NOT_FOUND, for a message that the user cannot see. */
  'messages.locate': [{ user_id: UserId; message_id: MessageId }, MessagePlace];
  'messages.get': [{ user_id: UserId; message_id: MessageId }, HistoryMessage];
  /** Without an `entry` nothing has changed. */
  'messages.edit': [MessageEdit, { message: HistoryMessage; entry?: OutboxEntry }];
  'messages.delete': [MessageTarget, { message: HistoryMessage; entry?: OutboxEntry }];
  'messages.react': [MessageReaction, { reactions: Reaction[]; entry?: OutboxEntry }];
  'conversations.create': [
    { user_id: UserId; conversation: ConversationInput },
    { created: boolean; record: ConversationRecord; entry?: OutboxEntry },
  ];
  'conversations.get': [
    { user_id: UserId; conversation_id: ConversationId },
    { record: ConversationRecord },
  ];
  'conversations.list': [
    ConversationsList,
    { records: ConversationRecord[]; next_cursor: string | null },
  ];
  'conversations.participants': [{ conversation_id: ConversationId }, Participants];
  /** Who shares a conversation with a user (the user too), or has one with a business; in pages. */
  'contacts.list': [ContactsList, ContactsPage];
  /** Which of them share a conversation with the user. */
  'contacts.shared': [ContactsShared, { user_ids: UserId[] }];
  'conversations.change': [ConversationCommand, ConversationChanged];
  /** ≤ 500 at a time, answered in their order. */
  'positions.read': [{ reads: ReadInput[] }, { results: ReadResult[] }];
  /** ≤ 1000 at a time; what does not exist is absent. */
  'positions.list': [
    { conversation_ids: ConversationId[] },
    { conversations: ConversationPositions[] },
  ];
  /** Leases what is owed: by id at once, or ≤ `limit` rows older than 5 s. */
  'outbox.claim': [
    { event_ids?: EventId[]; limit: number; lease_ms: number },
    { entries: OutboxEntry[] },
  ];
  /** Those of them that are not struck off. */
  'outbox.owed': [{ event_ids: EventId[] }, { event_ids: EventId[] }];
  'outbox.done': [{ event_ids: EventId[] }, { deleted: number }];
  'partitions.ensure': [{ months_ahead: number }, { created: string[]; last_until: string }];
};

// --- → profiles ----------------------------------------------------------------------------------

export type UserProfile = { id: UserId; name: string; avatar_url?: string; user_type?: string };
export type BusinessProfile = {
  id: BusinessId;
  name: string;
  avatar_url?: string;
  is_online?: boolean;
};
/** ≤ 2000 ids in all; who is unknown is absent from the reply. */
export type ProfilesGet = { user_ids?: UserId[]; business_ids?: BusinessId[] };
export type Profiles = { users: UserProfile[]; businesses: BusinessProfile[] };
