import type { WireError } from '../errors.ts';
import type { ConversationId, EventId, MessageId } from '../ids.ts';
import type { Participants } from './conversations.ts';
import type { MessageInput, ReplyPreview } from './messages.ts';

export type AppendItem = Omit<MessageInput, 'conversation_id'>;
/** The waiting sends of one conversation: ≤ 64, ≤ 512 KiB. */
export type AppendRequest = {
  conversation_id: ConversationId;
  items: AppendItem[];
  /** The caller does not know who takes part. */
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
      /** `seq` of the message replied to: a participant who cannot see it gets no preview. */
      reply_to_seq?: number;
      /** The key was known: values are the first message's. */
      duplicate?: true;
      /** Only with `duplicate`: its fan-out is still owed (the outbox row is there). */
      fanout_pending?: boolean;
    }
  | { ok: false; error: WireError };
export type AppendReply = {
  /** It rises when others take part; the router reloads before it fans out. */
  conversation_version: number;
  results: AppendResult[];
  /** Where asked for, as they were before or after the append: their `version` tells. */
  participants?: Participants;
};
