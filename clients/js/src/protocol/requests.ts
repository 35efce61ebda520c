import type {
  Conversation,
  ConversationsPage,
  ConversationType,
  HistoryMessage,
  HistoryPage,
  Reaction,
} from './shapes.ts';

export type ConversationInput =
  | {
      type: 'direct' | 'group';
      /** These are the others: one for `direct`, up to 7 for `group`. */
      participant_ids: string[];
      title?: string;
      description?: string;
      avatar_url?: string;
    }
  | { type: 'business'; business_id: string };

export type HistoryRequest = {
  conversation_id: string;
  /** Only one of the three may be there. Both numbers are exclusive, and `since` is a time. */
  before_seq?: number;
  after_seq?: number;
  since?: string;
  /** The limit is 1 to 200, by default 50. */
  limit?: number;
};

export type ConversationsRequest = {
  limit?: number;
  cursor?: string;
  archived?: boolean;
  /** Finds conversations by title or by the name of a participant or business. */
  q?: string;
  type?: ConversationType;
  unread?: true;
};

export type SearchRequest = {
  q: string;
  conversation_id?: string;
  sender_id?: string;
  before?: string;
  limit?: number;
  cursor?: string;
};

export type SearchPage = {
  results: {
    message: HistoryMessage;
    conversation_id: string;
    /** The words were found at these places, each a start and a length in characters. */
    ranges: [number, number][];
  }[];
  next_cursor: string | null;
  /** The search stopped at its budget of time. `next_cursor` goes on. */
  complete: boolean;
};

export type InboxView = 'waiting' | 'mine' | 'assigned' | 'closed';
export type InboxCounts = { waiting: number; assigned: number; mine: number };
export type InboxPage = {
  conversations: Conversation[];
  next_cursor: string | null;
  version: number;
  counts: InboxCounts;
};

export type AgentStatus = 'available' | 'away' | 'offline';
export type Availability = { status: AgentStatus; is_available: boolean };

type OfConversation = { conversation_id: string };
type OfMessage = { message_id: string };

/** The client asks with these frames, and each is answered with its shape. */
export type Operations = {
  read: { request: OfConversation & { seq: number }; answer: { last_read_seq: number } };
  edit: { request: OfMessage & { content: string }; answer: HistoryMessage };
  delete: { request: OfMessage; answer: HistoryMessage };
  react: {
    request: OfMessage & { emoji: string; remove?: boolean };
    answer: { reactions: Reaction[] };
  };
  history: { request: HistoryRequest; answer: HistoryPage };
  conversations: {
    request: ConversationsRequest;
    answer: ConversationsPage & { complete?: boolean };
  };
  create_conversation: { request: { conversation: ConversationInput }; answer: Conversation };
  search: { request: SearchRequest; answer: SearchPage };
  assign: {
    request: OfConversation & { agent_id?: string; force?: boolean };
    answer: Conversation;
  };
  release: { request: OfConversation; answer: Conversation };
  close: { request: OfConversation; answer: Conversation };
  reopen: { request: OfConversation; answer: Conversation };
  availability: {
    request: { business_id: string; status: AgentStatus };
    answer: Availability;
  };
  inbox: {
    request: { business_id: string; view: InboxView; limit?: number; cursor?: string };
    answer: InboxPage;
  };
};
