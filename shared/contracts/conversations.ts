import type { ConversationId, UserId } from '../ids.ts';
import type {
  AddParticipantsRequest,
  ConversationInput,
  ConversationsRequest,
  ConversationUpdate,
  MuteRequest,
} from '../protocol/conversation-requests.ts';
import type { ConversationShape, ParticipantShape } from '../protocol/shapes.ts';
import type { LastMessage } from './messages.ts';

/**
 * Conversations as services hand them to each other. A record is the shape that clients see, before
 * an edge has put names into it.
 */

export type ConversationType = ConversationShape['type'];
export type Role = ParticipantShape['role'];

export type ParticipantRecord = Omit<ParticipantShape, 'name' | 'avatar_url'>;
/** A conversation as one user sees it, without names. */
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
  version: number;
  user_ids: UserId[];
  /** [user, first `seq` they can see], of those who cannot see all. */
  late: [UserId, number][];
  /** [user, first `seq` they are sent], of those who joined after the first message. */
  joiners: [UserId, number][];
};

/** A user, and a conversation that the user names. */
export type InConversation = { user_id: UserId; conversation_id: ConversationId };
export type ConversationCreate = { user_id: UserId; conversation: ConversationInput };
export type ConversationsList = { user_id: UserId } & ConversationsRequest;

/** A change of a conversation by a participant, or a participant's own settings of it. */
export type ConversationCommands = {
  'conversations.update': ConversationUpdate;
  /** `share_history`: they see what the one who adds them sees, else from their joining on. */
  'conversations.add': Omit<AddParticipantsRequest, 'conversation_id'>;
  /** `member_id` is the caller's own: they leave. */
  'conversations.remove': { member_id: UserId };
  'conversations.archive': unknown;
  /** Without `until`: until it is taken back. */
  'conversations.mute': Omit<MuteRequest, 'conversation_id'>;
  'conversations.unmute': unknown;
};
export type ConversationCommand = {
  [Op in keyof ConversationCommands]: { op: Op } & InConversation & ConversationCommands[Op];
}[keyof ConversationCommands];
