import type { InboxCounts } from './requests.ts';
import type { Conversation, Message, Presence, Reaction, WireError } from './shapes.ts';

/** The server tells of a change of a message with all that can change, as it is by then. */
export type MessageUpdate = {
  message_id: string;
  conversation_id: string;
  seq: number;
  version: number;
  change: 'edited' | 'deleted' | 'reactions';
  content?: string;
  edited_at?: string;
  deleted_at?: string;
  reactions?: Reaction[];
};

export type ConversationChange = 'created' | 'updated' | 'participants' | 'assigned' | 'archived';

/** An event with this number in the session is to be acknowledged. */
type Queued = { q?: number };

/** The server sends these frames. A client ignores types and fields that it does not know. */
export type ServerFrames = {
  reply: { id?: string | number; data: unknown };
  error: { id?: string | number; client_msg_id?: string; error: WireError };
  auth_ok: {
    id?: string | number;
    user_id: string;
    device_id: string;
    session_id: string;
    resumed: boolean;
    heartbeat_interval_ms: number;
    server_time: string;
  };
  message: Queued & Message;
  message_updated: Queued & MessageUpdate;
  conversation: Queued & { change: ConversationChange; conversation: Conversation };
  receipt: {
    conversation_id: string;
    user_id: string;
    delivered_seq?: number;
    delivered_at?: string;
    read_seq?: number;
    read_at?: string;
  };
  unread: { conversation_id: string; unread: number };
  typing: { conversation_id: string; user_id: string; is_typing: boolean };
  presence: Presence;
  /** `counts` come without a change too. Who may not see the conversation gets `version` alone. */
  inbox: {
    business_id: string;
    version: number;
    change?: 'added' | 'assigned' | 'released' | 'closed' | 'updated';
    conversation_id?: string;
    conversation?: Conversation;
    counts?: InboxCounts;
  };
  profile_updated: { user_id?: string; business_id?: string };
  pong: { id?: string | number };
  replay_end: Queued & { complete: boolean };
  resync: Record<never, never>;
  token_expiring: { expires_at: string };
  going_away: { reconnect_after_ms: number };
};

export type ServerFrame = {
  [Type in keyof ServerFrames]: { type: Type } & ServerFrames[Type];
}[keyof ServerFrames];
