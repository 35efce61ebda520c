import Type, { type Static } from 'typebox';
import { LIMITS } from './limits.ts';
import { UserIdField } from './scalars.ts';

/** Names the users whose presence is asked for. */
export const PresenceRequest = Type.Object(
  { user_ids: Type.Array(UserIdField, { minItems: 1, maxItems: LIMITS.presenceIdsMax }) },
  { additionalProperties: false },
);

/** `unknown`: no conversation is shared, or it cannot be known now. */
export const PresenceEntry = Type.Object({
  user_id: UserIdField,
  status: Type.Union([Type.Literal('online'), Type.Literal('offline'), Type.Literal('unknown')]),
  last_seen_at: Type.Optional(Type.String()),
});
export type PresenceEntry = Static<typeof PresenceEntry>;

/** Answer to `presence_watch` and `GET /presence`. */
export const PresenceShape = Type.Object({ presence: Type.Array(PresenceEntry) });
