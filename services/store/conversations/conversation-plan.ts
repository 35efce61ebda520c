import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { ConversationChange } from '../../../shared/contracts/outbox.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { SystemEvent } from '../../../shared/protocol/system-content.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ConversationRow, ParticipantRow } from '../records/conversation-rows.ts';

/** The rest is `metadata`, of which those who know names make the content that is shown. */
export type SystemMessage = {
  event: SystemEvent;
  content: string;
  user_id?: UserId;
  value?: string;
};

/** A conversation with all who ever took part, locked. */
export type LockedConversation = {
  conversation: ConversationRow;
  members: ParticipantRow[];
  /** Time of what is written now, never below the last message's. */
  at: string;
  /** The clock's time. */
  now: string;
};

/** What a change writes and tells; nothing of it where it changes nothing. */
export type Plan = {
  set?: Partial<Pick<ConversationRow, 'title' | 'description' | 'avatar_url'>>;
  join?: { userIds: readonly UserId[]; firstVisibleSeq: number };
  leave?: UserId;
  promote?: UserId;
  /** The caller's own settings. */
  own?: Partial<Pick<ParticipantRow, 'is_muted' | 'muted_until' | 'archived_at'>>;
  /** Each takes a `seq`. */
  messages: readonly SystemMessage[];
  /** `conversation` events to those who take part when it is done. */
  events: readonly { change: ConversationChange; to: readonly UserId[] }[];
};

/** A plan on its way into the tables, with the command that it carries out. */
export type Writing = {
  command: ConversationCommand;
  locked: LockedConversation;
  plan: Plan;
  cipher: ContentCipher;
};

/** Who takes part now. */
export function currentOf(members: readonly ParticipantRow[]): ParticipantRow[] {
  return members.filter(({ left_at }) => left_at === null);
}

export function idsOf(members: readonly ParticipantRow[]): UserId[] {
  return members.map(({ user_id }) => user_id);
}
