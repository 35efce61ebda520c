import Type, { type Static } from 'typebox';
import { described } from './described.ts';
import { LIMITS } from './limits.ts';
import { ConversationIdField, DeviceIdField, SeqField } from './scalars.ts';

/** These requests come over the socket alone. An unknown field is an error. */

const closed = { additionalProperties: false };

export const AuthRequest = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      description:
        'This JWT proves who the user is. The socket is closed 4500 if it is longer than ' +
        `${LIMITS.tokenCharactersMax} characters.`,
    }),
    device_id: Type.Optional(
      described(DeviceIdField, 'The id names the device. Without it the device is `default`.'),
    ),
    resync: Type.Optional(
      Type.Boolean({ description: 'The client has lost its state, and wants a new queue.' }),
    ),
  },
  closed,
);
export type AuthRequest = Static<typeof AuthRequest>;

/** The client says with this request that it has all events up to `q`. */
export const AckRequest = Type.Object(
  { q: described(SeqField, 'All events up to this `q` are safe with the client.') },
  closed,
);

export const TypingRequest = Type.Object(
  {
    conversation_id: ConversationIdField,
    is_typing: Type.Boolean({
      description: `The caller types. This ends after ${LIMITS.typingMs} ms without a repeat.`,
    }),
  },
  closed,
);
export type TypingRequest = Static<typeof TypingRequest>;

export const PingRequest = Type.Object({}, closed);
