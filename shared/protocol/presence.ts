import Type, { type Static } from 'typebox';
import { LIMITS } from './limits.ts';
import { UserIdField } from './scalars.ts';

/** This request names the users whose presence a client wants to know. */
export const PresenceRequest = Type.Object(
  { user_ids: Type.Array(UserIdField, { minItems: 1, maxItems: LIMITS.presenceIdsMax }) },
  { additionalProperties: false },
);

/**
 * A user is `unknown` if they share no conversation with the caller, or if their presence cannot be
 * known now.
 */
export const PresenceEntry = Type.Object({
  user_id: UserIdField,
  status: Type.Union([Type.Literal('online'), Type.Literal('offline'), Type.Literal('unknown')]),
  last_seen_at: Type.Optional(Type.String()),
});
export type PresenceEntry = Static<typeof PresenceEntry>;

/** `presence_watch` and `GET /presence` are answered with this shape. */
export const PresenceShape = Type.Object({ presence: Type.Array(PresenceEntry) });
