import type { BusinessId, ConversationId, JobId, MessageId, UserId } from '../ids.ts';
import type { AgentShape, BusinessSettings } from './business-shapes.ts';
import type { ExportShape } from './export-shapes.ts';
import type { PresenceShape } from './presence.ts';
import type {
  ConversationShape,
  HistoryShape,
  LastMessageShape,
  MessageSentShape,
  MessageShape,
  ParticipantShape,
} from './shapes.ts';

/** The documents show these people and things in all their examples. */

export const EXAMPLE = {
  asha: '3f0c8a52-7d8e-4b0f-9a1d-2c5b7e60f114' as UserId,
  bikash: '9b7a1e6c-0c34-4f0e-8a55-61d2f3c4b5a6' as UserId,
  chandra: '7b1c9f04-6d1e-4c0a-8a55-0f9d3c2b1a10' as UserId,
  business: 'c2d4e6f8-1a3b-4c5d-8e7f-9a0b1c2d3e4f' as BusinessId,
  conversation: '5e6f7a8b-9c0d-4e1f-a2b3-c4d5e6f7a8b9' as ConversationId,
  message: '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d' as MessageId,
  clientMsgId: 'd1e2f3a4-b5c6-4d7e-8f9a-0b1c2d3e4f5a',
  job: 'e3f4a5b6-c7d8-4e9f-8a1b-2c3d4e5f6a7b' as JobId,
  device: 'phone-1',
  /** The parts of a token are base64url. This one has no claims, and no key signed it. */
  token: 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl',
  /** Nobody has the private half of this key. */
  vapidKey:
    'BA8l9xjoARA64eX21cKEpH9c9FWTa1g45O8wcRST7Fa5fiPksDMcAiQOxrZRLLLR21ztqCWL8H5JFDkIKoFH3SM',
  cursor: 'eyJhdCI6IjIwMjYtMTEtMjEifQ',
  at: '2026-11-21T10:00:00.000Z',
  later: '2026-11-21T10:00:02.500Z',
};

const asha: ParticipantShape = {
  user_id: EXAMPLE.asha,
  role: 'member',
  joined_at: EXAMPLE.at,
  name: 'Asha Rai',
  delivered_seq: 7,
  delivered_at: EXAMPLE.later,
  read_seq: 7,
  read_at: EXAMPLE.later,
};

const lastMessage: LastMessageShape = {
  message_id: EXAMPLE.message,
  seq: 7,
  sender_id: EXAMPLE.asha,
  content: 'See you at eight',
  message_type: 'text',
  sent_at: EXAMPLE.later,
};

/** Bikash sees his conversation with Asha so. */
export const exampleConversation: ConversationShape = {
  conversation_id: EXAMPLE.conversation,
  type: 'direct',
  name: 'Asha Rai',
  participants: [
    asha,
    {
      ...{ user_id: EXAMPLE.bikash, role: 'member', joined_at: EXAMPLE.at },
      ...{ name: 'Bikash Lama', avatar_url: 'https://pictures.example/bikash.jpg' },
      ...{ delivered_seq: 7, read_seq: 6 },
    },
  ],
  last_message: lastMessage,
  version: 1,
  first_seq: 1,
  last_seq: 7,
  last_read_seq: 6,
  unread: 1,
  is_muted: false,
  created_at: EXAMPLE.at,
  last_activity: EXAMPLE.later,
};

/** Asha sees the group that she made so. */
export const exampleGroup: ConversationShape = {
  ...exampleConversation,
  type: 'group',
  name: 'Friday',
  title: 'Friday',
  participants: [
    { ...asha, role: 'admin' },
    { user_id: EXAMPLE.chandra, role: 'member', joined_at: EXAMPLE.later, name: 'Chandra Gurung' },
  ],
  version: 3,
};

/** A manager sees a business conversation so, which Chandra has. */
export const exampleBusinessConversation: ConversationShape = {
  conversation_id: EXAMPLE.conversation,
  type: 'business',
  name: 'Everest Teas',
  business_id: EXAMPLE.business,
  state: 'assigned',
  assignee_id: EXAMPLE.chandra,
  waiting_since: EXAMPLE.at,
  participants: [
    { ...asha, role: 'customer' },
    {
      ...{ user_id: EXAMPLE.business as string as UserId, role: 'business' },
      ...{ joined_at: EXAMPLE.at, name: 'Everest Teas' },
    },
    {
      ...{ user_id: EXAMPLE.chandra, role: 'agent', joined_at: EXAMPLE.later },
      ...{ name: 'Chandra Gurung', delivered_seq: 7, read_seq: 6 },
    },
  ],
  last_message: lastMessage,
  version: 4,
  first_seq: 1,
  last_seq: 7,
  created_at: EXAMPLE.at,
  last_activity: EXAMPLE.later,
};

const { assignee_id: _assignee, ...nobodys } = exampleBusinessConversation;
/** The same conversation waits for an agent. */
export const exampleWaiting: ConversationShape = {
  ...nobodys,
  state: 'waiting',
  participants: exampleBusinessConversation.participants.slice(0, 2),
};

export const exampleMessage: MessageShape = {
  ...lastMessage,
  conversation_id: EXAMPLE.conversation,
  client_msg_id: EXAMPLE.clientMsgId,
  version: 2,
  reactions: [{ emoji: '👍', count: 1, mine: true }],
  status: 'read',
};

const { content: _gone, reactions: _none, ...rest } = exampleMessage;
/** The message was deleted, and this is left of it. */
export const exampleTombstone: MessageShape = {
  ...rest,
  version: 3,
  reactions: [],
  deleted_at: EXAMPLE.later,
};

export const exampleSent: MessageSentShape = {
  message_id: EXAMPLE.message,
  conversation_id: EXAMPLE.conversation,
  client_msg_id: EXAMPLE.clientMsgId,
  seq: 7,
  sent_at: EXAMPLE.later,
};

export const exampleHistory: HistoryShape = {
  messages: [exampleMessage],
  has_more: false,
  first_seq: 1,
  receipts: [{ user_id: EXAMPLE.bikash, delivered_seq: 7, read_seq: 6 }],
};

export const exampleSettings: BusinessSettings = {
  time_zone: 'Asia/Kathmandu',
  hours: {
    mon: [
      ['09:00', '12:30'],
      ['13:30', '18:00'],
    ],
    tue: [['09:00', '18:00']],
  },
  exceptions: [{ date: '2026-12-25', intervals: [] }],
  away_message: 'We answer from nine in the morning.',
  assignment: 'least_busy',
  capacity: 5,
  offline_grace_s: 60,
  reassign_after_s: 300,
};

export const exampleAgent: AgentShape = {
  user_id: EXAMPLE.chandra,
  role: 'agent',
  capacity: 5,
  status: 'available',
  is_available: true,
  open: 2,
};

export const exampleExport: ExportShape = {
  items: [
    {
      ...{ kind: 'conversation', conversation_id: EXAMPLE.conversation, type: 'direct' },
      ...{ role: 'member', joined_at: EXAMPLE.at },
    },
    {
      ...{ kind: 'message', message_id: EXAMPLE.message, conversation_id: EXAMPLE.conversation },
      ...{ seq: 7, client_msg_id: EXAMPLE.clientMsgId, message_type: 'text' },
      ...{ content: 'See you at eight', sent_at: EXAMPLE.later },
    },
  ],
  next_cursor: EXAMPLE.cursor,
};

export const examplePresence: PresenceShape = {
  presence: [
    { user_id: EXAMPLE.asha, status: 'offline', last_seen_at: EXAMPLE.at },
    { business_id: EXAMPLE.business, status: 'offline', opens_at: '2026-11-23T03:15:00.000Z' },
  ],
};
