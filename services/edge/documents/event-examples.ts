import type { Static } from 'typebox';
import {
  EXAMPLE,
  exampleBusinessConversation,
  exampleConversation,
  exampleMessage,
  exampleTombstone,
} from '../../../shared/protocol/examples.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { serverFrames } from '../../../shared/protocol/server-frames.ts';
import { exampleError } from './error-notes.ts';

type Frames = typeof serverFrames;
type Examples = { readonly [Type in keyof Frames]: readonly Static<Frames[Type]>[] };

const { conversation: conversation_id, message: message_id } = EXAMPLE;
const { reactions, status: _status, version: _version, ...written } = exampleMessage;
const about = { message_id, conversation_id, seq: 7 };
const counts = { waiting: 51, assigned: 4, mine: 1 };

/** `/asyncapi.json` shows these examples of the frames that the server sends. */
export const EVENT_EXAMPLES: Examples = {
  reply: [{ type: 'reply', id: 1, data: {} }],
  error: [
    { type: 'error', id: 1, error: exampleError('RATE_LIMITED') },
    { type: 'error', client_msg_id: EXAMPLE.clientMsgId, error: exampleError('NOT_A_PARTICIPANT') },
  ],
  auth_ok: [
    {
      ...{ type: 'auth_ok', user_id: EXAMPLE.bikash, device_id: EXAMPLE.device },
      ...{ session_id: '8d7c6b5a-4f3e-4d2c-9b1a-0f9e8d7c6b5a', resumed: true },
      ...{ heartbeat_interval_ms: LIMITS.heartbeatIntervalMs, server_time: EXAMPLE.at },
    },
  ],
  message: [{ type: 'message', q: 3, ...written, version: 1 }],
  message_updated: [
    {
      ...{ type: 'message_updated', q: 4, ...about, version: 2, change: 'edited' },
      ...{ content: 'See you at nine', edited_at: EXAMPLE.later, reactions },
    },
    {
      ...{ type: 'message_updated', q: 5, ...about, version: 3, change: 'deleted' },
      ...{ deleted_at: exampleTombstone.deleted_at ?? EXAMPLE.later },
    },
  ],
  conversation: [
    { type: 'conversation', q: 1, change: 'created', conversation: exampleConversation },
  ],
  receipt: [
    {
      ...{ type: 'receipt', conversation_id, user_id: EXAMPLE.bikash },
      ...{ read_seq: 7, read_at: EXAMPLE.later },
    },
  ],
  unread: [{ type: 'unread', conversation_id, unread: 0 }],
  typing: [{ type: 'typing', conversation_id, user_id: EXAMPLE.asha, is_typing: true }],
  presence: [
    { type: 'presence', user_id: EXAMPLE.asha, status: 'offline', last_seen_at: EXAMPLE.at },
    { type: 'presence', business_id: EXAMPLE.business, status: 'online' },
  ],
  inbox: [
    {
      ...{ type: 'inbox', business_id: EXAMPLE.business, version: 42, change: 'assigned' },
      ...{ conversation_id, conversation: exampleBusinessConversation },
    },
    { type: 'inbox', business_id: EXAMPLE.business, version: 42, counts },
    { type: 'inbox', business_id: EXAMPLE.business, version: 43 },
  ],
  profile_updated: [{ type: 'profile_updated', user_id: EXAMPLE.asha }],
  pong: [{ type: 'pong', id: 1 }],
  replay_end: [{ type: 'replay_end', q: 1, complete: true }],
  resync: [{ type: 'resync' }],
  token_expiring: [{ type: 'token_expiring', expires_at: EXAMPLE.later }],
  going_away: [{ type: 'going_away', reconnect_after_ms: 3_120 }],
};
