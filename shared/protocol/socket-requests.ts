import Type, { type Static } from 'typebox';
import { LIMITS } from './limits.ts';
import { ConversationIdField, DeviceIdField, SeqField } from './scalars.ts';

/** These requests come over the socket alone. An unknown field is an error. */

const closed = { additionalProperties: false };

export const AuthRequest = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: LIMITS.tokenCharactersMax }),
    device_id: Type.Optional(DeviceIdField),
    resync: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type AuthRequest = Static<typeof AuthRequest>;

/** The client says with this request that it has all events up to `q`. */
export const AckRequest = Type.Object({ q: SeqField }, closed);

export const TypingRequest = Type.Object(
  { conversation_id: ConversationIdField, is_typing: Type.Boolean() },
  closed,
);
export type TypingRequest = Static<typeof TypingRequest>;

export const PingRequest = Type.Object({}, closed);
