import type { BusinessId, ConversationId, UserId } from '../ids.ts';
import type {
  AddParticipantsRequest,
  AssignRequest,
  ConversationInput,
  ConversationsRequest,
  ConversationUpdate,
  MuteRequest,
} from '../protocol/conversation-requests.ts';
import type { ConversationShape, ParticipantShape } from '../protocol/shapes.ts';
import type { ReturnReason } from './assignment.ts';
import type { LastMessage } from './messages.ts';

/**
 * Services hand conversations to each other in these shapes. A record is the shape that clients
 * see, before an edge has put names into it.
 */

export type ConversationType = ConversationShape['type'];
export type Role = ParticipantShape['role'];

export type ParticipantRecord = Omit<ParticipantShape, 'name' | 'avatar_url'>;
/** A record shows a conversation as one user sees it, without names. */
export type ConversationRecord = Omit<
  ConversationShape,
  'name' | 'participants' | 'last_message'
> & {
  participants: ParticipantRecord[];
  last_message?: LastMessage;
};

export type Participants = {
  conversation_id: ConversationId;
  type: ConversationType;
  business_id?: BusinessId;
  version: number;
  user_ids: UserId[];
  /** Each pair names a participant who cannot see all messages, and the first visible `seq`. */
  late: [UserId, number][];
  /**
   * Each pair names a user who joined after the first message, and the first `seq` sent to them.
   */
  joiners: [UserId, number][];
};

/** A request of a user names a conversation. */
export type InConversation = { user_id: UserId; conversation_id: ConversationId };
export type ConversationCreate = { user_id: UserId; conversation: ConversationInput };
export type ConversationsList = { user_id: UserId } & ConversationsRequest;

/** Participants change a conversation, or their own settings of it. */
export type ConversationCommands = {
  'conversations.update': ConversationUpdate;
  /**
   * With `share_history`, the added users see what the caller sees, and else only what comes after
   * they joined.
   */
  'conversations.add': Omit<AddParticipantsRequest, 'conversation_id'>;
  /** A caller who gives their own id leaves the conversation. */
  'conversations.remove': { participant_id: UserId };
  'conversations.archive': unknown;
  /** A mute without `until` holds until the user takes it back. */
  'conversations.mute': Omit<MuteRequest, 'conversation_id'>;
  'conversations.unmute': unknown;
} & StepCommands;

/** Agents of a business change who has one of its conversations, and its state. */
type StepCommands = {
  /** The caller is to have it without `agent_id`. `force` passes over the limit of the agent. */
  'conversations.assign': Omit<AssignRequest, 'conversation_id'>;
  'conversations.release': unknown;
  'conversations.close': unknown;
  'conversations.reopen': unknown;
};

/**
 * Routers do this by themselves, so no edge can ask for it. The `user_id` is the id of the
 * business. `version` is that of the conversation when a router planned the step.
 */
type AutomaticCommands = {
  'conversations.assign_waiting': { agent_id: UserId; version: number };
  'conversations.return': { agent_id: UserId; version: number; reason: ReturnReason };
  /** The customer was erased, so the conversation is closed for good. */
  'conversations.end': unknown;
};

type AllCommands = ConversationCommands & AutomaticCommands;
export type CommandOf<Op extends keyof AllCommands> = { op: Op } & InConversation & AllCommands[Op];
export type ConversationCommand = {
  [Op in keyof AllCommands]: CommandOf<Op>;
}[keyof AllCommands];
/** A step changes who has a business conversation, or its state. */
export type StepCommand = {
  [Op in keyof StepCommands | keyof AutomaticCommands]: CommandOf<Op>;
}[keyof StepCommands | keyof AutomaticCommands];
