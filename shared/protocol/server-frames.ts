import Type, { type TLiteral, type TObject, type TProperties } from 'typebox';
import { DURABLE_EVENTS } from '../durable-events/durable-events.ts';
import { described } from './described.ts';
import { InboxChangeField, InboxCounts, InboxVersionField } from './inbox-shapes.ts';
import {
  BusinessIdField,
  ConversationIdField,
  DeviceIdField,
  RequestIdField,
  SeqField,
  UserIdField,
} from './scalars.ts';
import { ConversationShape, ErrorShape, positionFields } from './shapes.ts';

/** These are the frames that the server sends over the socket. */

const time = (description: string) => Type.String({ description });
/** A durable event has its running number in the session as `q`, except in a replay. */
const number = described(
  SeqField,
  'The event has this number in the session. Acknowledge it with `ack`.',
);
const queued = { q: Type.Optional(number) };

function frame<Name extends string, Fields extends TProperties>(name: Name, fields: Fields) {
  return Type.Object({ type: typeField(name), ...fields }, { $id: `server.${name}` });
}

/** The `type` of a frame says which fields the frame has. */
export function typeField<Name extends string>(name: Name) {
  return Type.Literal(name, { description: 'The type says which fields the frame has.' });
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
  reply: frame('reply', {
    id: Type.Optional(RequestIdField),
    data: Type.Unknown({ description: 'The operation answers with this value.' }),
  }),
  error: frame('error', {
    id: Type.Optional(RequestIdField),
    client_msg_id: Type.Optional(
      Type.String({ description: 'The refused frame had this `client_msg_id`.' }),
    ),
    error: described(ErrorShape, 'The frame was refused for this reason.'),
  }),
  auth_ok: frame('auth_ok', {
    id: Type.Optional(RequestIdField),
    user_id: described(UserIdField, 'The token is of this user.'),
    device_id: DeviceIdField,
    session_id: Type.String({ description: 'Logs name the session by this id.' }),
    resumed: Type.Boolean({
      description: 'The queue has all events since the last session. If false, read history again.',
    }),
    heartbeat_interval_ms: Type.Integer({
      description: 'The client sends a frame at least this often, in milliseconds.',
    }),
    server_time: time('The server has this time.'),
  }),
  ...framesOf(DURABLE_EVENTS),
  receipt: frame('receipt', {
    conversation_id: ConversationIdField,
    user_id: described(UserIdField, 'The positions of this participant have risen.'),
    ...positionFields,
  }),
  unread: frame('unread', {
    conversation_id: ConversationIdField,
    unread: Type.Integer({ minimum: 0, description: 'The user has not read so many messages.' }),
  }),
  /**
   * Another participant is typing, or has stopped. A client takes them to have stopped if nothing
   * comes for 5 s after the last `true`.
   */
  typing: frame('typing', {
    conversation_id: ConversationIdField,
    user_id: described(UserIdField, 'This participant types, or has stopped.'),
    is_typing: Type.Boolean({ description: 'The participant types now.' }),
  }),
  /**
   * A user or a business that the session watches came online or went offline, or a closed business
   * opens at another time.
   */
  presence: frame('presence', {
    user_id: Type.Optional(UserIdField),
    business_id: Type.Optional(BusinessIdField),
    status: Type.Union([Type.Literal('online'), Type.Literal('offline')], {
      description: 'The user or the business is this now.',
    }),
    last_seen_at: Type.Optional(time('The user, who is offline, was last online then.')),
    opens_at: Type.Optional(time('The business, which is closed, opens then.')),
  }),
  /**
   * A conversation in the inbox of a business has changed. Who may not see it hears of the version
   * alone. Counts come without a change, and hold at the version that they come with.
   */
  inbox: frame('inbox', {
    business_id: BusinessIdField,
    version: InboxVersionField,
    change: Type.Optional(InboxChangeField),
    conversation_id: Type.Optional(
      described(ConversationIdField, 'This conversation has changed.'),
    ),
    conversation: Type.Optional(
      described(ConversationShape, 'Who may see the conversation now gets it as it is.'),
    ),
    counts: Type.Optional(
      described(InboxCounts, 'The inbox has so many conversations at this version.'),
    ),
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
  /** The replay has ended. Once it is acknowledged, what was replayed counts as delivered. */
  replay_end: frame('replay_end', {
    q: number,
    complete: Type.Boolean({ description: 'Nothing was left out of the replay.' }),
  }),
  resync: frame('resync', {}),
  token_expiring: frame('token_expiring', {
    expires_at: time('The token ends then.'),
  }),
  going_away: frame('going_away', {
    reconnect_after_ms: Type.Integer({
      minimum: 0,
      description: 'The client closes, and connects again after so many milliseconds.',
    }),
  }),
} as const;
