import type { ConversationCommand, StepCommand } from '../../../shared/contracts/conversations.ts';
import type { ConversationChange } from '../../../shared/durable-events/conversation.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { AssignmentReason, SystemEvent } from '../../../shared/protocol/system-messages.ts';
import type { WritingCipher } from '../content/content-cipher.ts';
import type { LockedBusiness, Turn } from '../inbox/lock-step.ts';
import type { Step } from '../inbox/write-step.ts';
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
  reason?: AssignmentReason;
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
  /** A step of a business conversation is judged by this too. */
  business?: LockedBusiness | undefined;
  /** An automatic assignment is judged by this too. */
  turn?: Turn | undefined;
};

/** A step of a business conversation changes these columns. */
type StepColumn =
  | 'state'
  | 'assignee_id'
  | 'last_agent_id'
  | 'preferred_agent_id'
  | 'waiting_since'
  | 'opened_at'
  | 'closed_at'
  | 'unanswered_seq'
  | 'unanswered_since'
  | 'has_answered';

/**
 * A plan holds everything that a change writes and tells. A user who leaves is told too: the writer
 * of the plan adds that event, because it holds the record as of the removal.
 */
export type Plan = {
  set?: Partial<Pick<ConversationRow, 'title' | 'description' | 'avatar_url' | StepColumn>>;
  /** The users join with positions at `readSeq`. */
  join?: {
    userIds: readonly UserId[];
    role: 'member' | 'agent';
    firstVisibleSeq: number;
    readSeq: number;
  };
  leave?: UserId;
  promote?: UserId;
  /** Only the caller's own settings change by this. */
  own?: Partial<Pick<ParticipantRow, 'is_muted' | 'muted_until' | 'archived_at'>>;
  /** The log and the inbox of the business tell of this step. */
  step?: Pick<Step, 'change' | 'reason' | 'load'>;
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
  /** The cipher writes system messages. */
  cipher: WritingCipher;
};

/** The result leaves out users who have left. */
export function currentOf(participants: readonly ParticipantRow[]): ParticipantRow[] {
  return participants.filter(({ left_at }) => left_at === null);
}

export function idsOf(participants: readonly ParticipantRow[]): UserId[] {
  return participants.map(({ user_id }) => user_id);
}

const STEPS: readonly ConversationCommand['op'][] = [
  'conversations.assign',
  'conversations.release',
  'conversations.close',
  'conversations.reopen',
  'conversations.assign_waiting',
  'conversations.return',
  'conversations.end',
] satisfies StepCommand['op'][];

const AUTOMATIC: readonly ConversationCommand['op'][] = [
  'conversations.assign_waiting',
  'conversations.return',
  'conversations.end',
];

/** Routers take such a step by themselves, in the name of the business. */
export function isAutomatic({ op }: ConversationCommand): boolean {
  return AUTOMATIC.includes(op);
}

export function isStep(command: ConversationCommand): command is StepCommand {
  return STEPS.includes(command.op);
}
