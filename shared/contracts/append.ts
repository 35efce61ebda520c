import type { WireError } from '../errors.ts';
import type { BusinessId, ConversationId, EventId, MessageId } from '../ids.ts';
import type { Participants } from './conversations.ts';
import type { InboxChange } from './inbox.ts';
import type { MessageInput, ReplyPreview } from './messages.ts';
import type { OutboxEntryOf } from './outbox.ts';

export type AppendItem = Omit<MessageInput, 'conversation_id'>;
/** A router joins the waiting sends of one conversation: at most 64, at most 512 KiB. */
export type AppendRequest = {
  conversation_id: ConversationId;
  items: AppendItem[];
  /** The caller does not know the participants, so the reply must name them. */
  needs_participants?: true;
  /**
   * The caller knows that the conversation belongs to this business. Store finds out otherwise,
   * which costs these sends a commit of other conversations.
   */
  business_id?: BusinessId;
};
/** Each item gets one answer, in order. A refused item hurts no other. */
export type AppendResult =
  | {
      ok: true;
      message_id: MessageId;
      event_id: EventId;
      seq: number;
      sent_at: string;
      reply_to?: ReplyPreview;
      /** A participant who cannot see the message with this `seq` gets no preview. */
      reply_to_seq?: number;
      /** The `client_msg_id` was known, so the values are those of the message stored first. */
      duplicate?: true;
      /** Comes with `duplicate`: true while the outbox row says that a fan-out is owed. */
      fanout_pending?: boolean;
    }
  | { ok: false; error: WireError };
export type AppendReply = {
  /**
   * The version rises when the participants change. The router then reloads them before it fans
   * out.
   */
  conversation_version: number;
  results: AppendResult[];
  /**
   * Store read these, if asked, before or after the append, or in it if it changed a business
   * conversation. Their `version` tells which.
   */
  participants?: Participants;
  /** The away messages that the append wrote. Each follows the sends that it answers. */
  entries?: OutboxEntryOf<'message'>[];
  /** The append changed the inbox of a business so. */
  inbox?: InboxChange[];
  /** A customer has waited this long for the first answer since the conversation was opened. */
  first_response_ms?: number;
};
