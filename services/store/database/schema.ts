import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { AgentRecord } from '../../../shared/contracts/businesses.ts';
import type { ConversationType, Role } from '../../../shared/contracts/conversations.ts';
import type { DurableEventKind } from '../../../shared/contracts/events.ts';
import type { MessageType } from '../../../shared/contracts/messages.ts';
import type { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import type {
  BusinessId,
  ConversationId,
  EventId,
  MessageId,
  UserId,
} from '../../../shared/ids.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import type {
  PushRegistration,
  QuietHours,
} from '../../../shared/protocol/devices/device-requests.ts';
import type { BusinessState } from '../../../shared/protocol/shapes.ts';

/** A time is ISO 8601 in UTC with milliseconds; `pool.ts` parses timestamptz into this form. */
type Time = string;

export type ConversationsTable = {
  conversation_id: ConversationId;
  type: ConversationType;
  /**
   * The key makes a conversation unique that exists once. The one of two people has
   * `<lower user id>:<higher user id>`, and that of a customer and a business has
   * `business:<business id>:<customer id>`.
   */
  direct_key: string | null;
  title: string | null;
  description: string | null;
  avatar_url: string | null;
  business_id: BusinessId | null;
  /**
   * The version rises with each change of the conversation or its participants, not by messages.
   */
  version: Generated<number>;
  /** No message below this `seq` is stored any more. */
  first_seq: Generated<number>;
  last_seq: Generated<number>;
  last_sent_at: Time | null;
  created_by: UserId;
  created_at: Time;
  last_activity: Time;
  has_archived: Generated<boolean>;
} & BusinessColumns;

/** A conversation that belongs to no business has null in all of these columns. */
type BusinessColumns = {
  customer_id: UserId | null;
  state: BusinessState | null;
  assignee_id: UserId | null;
  /** This agent had the conversation last, or has it. */
  last_agent_id: UserId | null;
  /** This agent had the conversation when it was closed, and it was reopened since. */
  preferred_agent_id: UserId | null;
  waiting_since: Time | null;
  opened_at: Time | null;
  closed_at: Time | null;
  /** No agent has answered the customer's message with this `seq`, or a later one. */
  unanswered_seq: number | null;
  /**
   * The conversation owes the customer an answer since this time: that of the first message that no
   * agent has answered, or of an earlier step that made it wait, such as a reopening.
   */
  unanswered_since: Time | null;
  /** The assignee has written since the assignment. */
  has_answered: boolean | null;
  /** An agent wrote last at this time. */
  answered_at: Time | null;
  /** No away message is due before this time. */
  away_until: Time | null;
};

export type ParticipantsTable = {
  conversation_id: ConversationId;
  user_id: UserId;
  role: Role;
  joined_at: Time;
  left_at: Time | null;
  /** Messages from this `seq` on are sent to the participant, who may also see older ones. */
  joined_seq: Generated<number>;
  first_visible_seq: Generated<number>;
  delivered_seq: Generated<number>;
  delivered_at: Time | null;
  read_seq: Generated<number>;
  read_at: Time | null;
  is_muted: Generated<boolean>;
  muted_until: Time | null;
  archived_at: Time | null;
};

export type MessagesTable = {
  conversation_id: ConversationId;
  seq: number;
  sent_at: Time;
  message_id: MessageId;
  sender_id: UserId;
  client_msg_id: string | null;
  message_type: MessageType | 'system';
  content: Buffer | null;
  metadata: Buffer | null;
  key_id: string;
  version: Generated<number>;
  reply_to: MessageId | null;
  reply_to_seq: number | null;
  edited_at: Time | null;
  deleted_at: Time | null;
};

/** The payload holds what the message or conversation cannot say. */
export type OutboxPayloads = {
  [Kind in DurableEventKind]: Parameters<(typeof DURABLE_EVENTS)[Kind]['load']>[0]['payload'];
};
type OutboxPayload = NonNullable<OutboxPayloads[DurableEventKind]>;

type OutboxTable = {
  /** The event of a new message has the message's id. */
  event_id: EventId;
  conversation_id: ConversationId;
  kind: DurableEventKind;
  seq: number | null;
  payload: JSONColumnType<OutboxPayload> | null;
  created_at: Time;
  claimed_until: Time | null;
  /** These users lack the event; null means that nobody is known to have it. */
  missed: UserId[] | null;
  is_fed: Generated<boolean>;
  is_unreadable: Generated<boolean>;
};

type ReactionsTable = {
  message_id: MessageId;
  emoji: string;
  user_id: UserId;
  version: number;
  reacted_at: Time;
};

/** The fields of the settings are those that clients see. */
export type BusinessesTable = {
  business_id: BusinessId;
  assignment: Generated<BusinessSettings['assignment']>;
  capacity: Generated<number>;
  time_zone: Generated<string>;
  hours: JSONColumnType<NonNullable<BusinessSettings['hours']>> | null;
  exceptions: ColumnType<NonNullable<BusinessSettings['exceptions']>, string | undefined, string>;
  away_message: string | null;
  offline_grace_s: Generated<number>;
  reassign_after_s: Generated<number>;
  created_at: Generated<Time>;
  updated_at: Generated<Time>;
};

type BusinessAgentsTable = {
  business_id: BusinessId;
  user_id: UserId;
  role: AgentRecord['role'];
  /** The capacity of the business holds for an agent without one. */
  capacity: number | null;
  status: Generated<AgentRecord['status']>;
  status_at: Generated<Time>;
  last_assigned_at: Time | null;
  /** Is null for an agent who is online, or of whom nobody knows. */
  offline_since: Generated<Time | null>;
  created_at: Generated<Time>;
};

type BusinessInboxesTable = {
  business_id: BusinessId;
  version: Generated<number>;
  /** A router has to look at the business at this time. */
  due_at: Time | null;
  claimed_until: Time | null;
  swept_at: Generated<Time>;
};

type BusinessStepsTable = {
  business_id: BusinessId;
  version: number;
  conversation_id: ConversationId;
  at: Time;
  step: string;
  reason: string;
  actor_id: UserId | null;
  agent_id: UserId | null;
  from_agent_id: UserId | null;
  waiting_since: Time | null;
  open: number | null;
  capacity: number | null;
};

/** The table is the record of who exported whose texts. */
type ExportsTable = {
  export_id: string;
  user_id: UserId;
  service: string;
  started_at: Generated<Time>;
  last_page_at: Generated<Time>;
  pages: number;
  items: number;
  finished_at: Time | null;
};

type PushRegistrationsTable = {
  user_id: UserId;
  device_id: string;
  provider: PushRegistration['provider'];
  token_hash: Buffer;
  address: Buffer;
  key_id: string;
  content: NonNullable<PushRegistration['content']>;
  quiet_hours: JSONColumnType<QuietHours> | null;
  registered_at: Generated<Time>;
};

type SignedOutDevicesTable = { user_id: UserId; device_id: string; signed_out_at: Time };

export type Database = {
  businesses: BusinessesTable;
  business_agents: BusinessAgentsTable;
  business_inboxes: BusinessInboxesTable;
  business_steps: BusinessStepsTable;
  users: { user_id: UserId; created_at: Generated<Time> };
  conversations: ConversationsTable;
  participants: ParticipantsTable;
  messages: MessagesTable;
  reactions: ReactionsTable;
  outbox: OutboxTable;
  exports: ExportsTable;
  push_registrations: PushRegistrationsTable;
  signed_out_devices: SignedOutDevicesTable;
};
