import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { ConversationChange } from '../../../shared/contracts/outbox.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { SystemEvent } from '../../../shared/protocol/system-messages.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ConversationRow, ParticipantRow } from '../records/conversation-rows.ts';

/**
 * All fields but `content` become the message's `metadata`. A service that knows names makes the
 * content that clients see from the metadata.
 */
export type SystemMessage = {
  event: SystemEvent;
  content: string;
  user_id?: UserId;
  value?: string;
};

/**
 * A conversation is locked with its participants, and with users who left and are to join again.
 */
export type LockedConversation = {
  conversation: ConversationRow;
  participants: ParticipantRow[];
  /** All that is written gets this time, which is never before the last message's. */
  at: string;
  /** This is the time of the database's clock. */
  now: string;
};

/** A plan holds everything that a change writes and tells. */
export type Plan = {
  set?: Partial<Pick<ConversationRow, 'title' | 'description' | 'avatar_url'>>;
  join?: { userIds: readonly UserId[]; firstVisibleSeq: number };
  leave?: UserId;
  promote?: UserId;
  /** Only the caller's own settings change by this. */
  own?: Partial<Pick<ParticipantRow, 'is_muted' | 'muted_until' | 'archived_at'>>;
  /** Each message takes the next `seq`. */
  messages: readonly SystemMessage[];
  /** These `conversation` events go to users who take part after the change. */
  events: readonly { change: ConversationChange; to: readonly UserId[] }[];
};

/** The writers of a plan need the command that it carries out and the locked conversation. */
export type Writing = {
  command: ConversationCommand;
  locked: LockedConversation;
  plan: Plan;
  cipher: ContentCipher;
};

/** The result leaves out users who have left. */
export function currentOf(participants: readonly ParticipantRow[]): ParticipantRow[] {
  return participants.filter(({ left_at }) => left_at === null);
}

export function idsOf(participants: readonly ParticipantRow[]): UserId[] {
  return participants.map(({ user_id }) => user_id);
}
