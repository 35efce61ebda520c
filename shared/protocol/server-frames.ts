import Type, { type TLiteral, type TObject, type TProperties } from 'typebox';
import { DURABLE_EVENTS } from '../durable-events/durable-events.ts';
import { InboxChangeField, InboxCounts, InboxVersionField } from './inbox-shapes.ts';
import {
  BusinessIdField,
  ConversationIdField,
  DeviceIdField,
  RequestIdField,
  SeqField,
  UserIdField,
} from './scalars.ts';
import { ConversationShape, ErrorShape } from './shapes.ts';

/** These are the frames that the server sends over the socket. */

const Time = Type.String();
/** A durable event has its running number in the session as `q`, except in a replay. */
const queued = { q: Type.Optional(SeqField) };

function frame<Name extends string, Fields extends TProperties>(name: Name, fields: Fields) {
  return Type.Object({ type: Type.Literal(name), ...fields }, { $id: `server.${name}` });
}

/** Clients get each durable event as the frame that its kind describes. */
function framesOf<Events extends Record<string, { fields: TProperties }>>(events: Events) {
  const frames = Object.entries(events).map(([kind, { fields }]) => {
    return [kind, frame(kind, { ...queued, ...fields })];
  });
  return Object.fromEntries(frames) as {
    [Kind in keyof Events & string]: TObject<
      { type: TLiteral<Kind> } & typeof queued & Events[Kind]['fields']
    >;
  };
}

export const serverFrames = {
  reply: frame('reply', { id: Type.Optional(RequestIdField), data: Type.Unknown() }),
  error: frame('error', {
    id: Type.Optional(RequestIdField),
    client_msg_id: Type.Optional(Type.String()),
    error: ErrorShape,
  }),
  auth_ok: frame('auth_ok', {
    id: Type.Optional(RequestIdField),
    user_id: UserIdField,
    device_id: DeviceIdField,
    session_id: Type.String(),
    resumed: Type.Boolean(),
    heartbeat_interval_ms: Type.Integer(),
    server_time: Time,
  }),
  ...framesOf(DURABLE_EVENTS),
  receipt: frame('receipt', {
    conversation_id: ConversationIdField,
    user_id: UserIdField,
    delivered_seq: Type.Optional(SeqField),
    delivered_at: Type.Optional(Time),
    read_seq: Type.Optional(SeqField),
    read_at: Type.Optional(Time),
  }),
  unread: frame('unread', {
    conversation_id: ConversationIdField,
    unread: Type.Integer({ minimum: 0 }),
  }),
  /**
   * Another participant is typing, or has stopped. A client takes them to have stopped if nothing
   * comes for 5 s after the last `true`.
   */
  typing: frame('typing', {
    conversation_id: ConversationIdField,
    user_id: UserIdField,
    is_typing: Type.Boolean(),
  }),
  /**
   * A user or a business that the session watches came online or went offline, or a closed business
   * opens at another time.
   */
  presence: frame('presence', {
    user_id: Type.Optional(UserIdField),
    business_id: Type.Optional(BusinessIdField),
    status: Type.Union([Type.Literal('online'), Type.Literal('offline')]),
    last_seen_at: Type.Optional(Time),
    opens_at: Type.Optional(Time),
  }),
  /**
   * A conversation in the inbox of a business has changed. Who may not see it hears of the version
   * alone. Counts come without a change, and hold at the version that they come with.
   */
  inbox: frame('inbox', {
    business_id: BusinessIdField,
    version: InboxVersionField,
    change: Type.Optional(InboxChangeField),
    conversation_id: Type.Optional(ConversationIdField),
    conversation: Type.Optional(ConversationShape),
    counts: Type.Optional(InboxCounts),
  }),
  /**
   * The name or the picture has changed of a user or a business that is in a conversation with the
   * receiver.
   */
  profile_updated: frame('profile_updated', {
    user_id: Type.Optional(UserIdField),
    business_id: Type.Optional(BusinessIdField),
  }),
  pong: frame('pong', { id: Type.Optional(RequestIdField) }),
  replay_end: frame('replay_end', { complete: Type.Boolean() }),
  resync: frame('resync', {}),
  token_expiring: frame('token_expiring', { expires_at: Time }),
  going_away: frame('going_away', { reconnect_after_ms: Type.Integer({ minimum: 0 }) }),
} as const;
