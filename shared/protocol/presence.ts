import Type, { type Static } from 'typebox';
import { UUID_V4_PATTERN } from '../ids.ts';
import { LIMITS } from './limits.ts';
import { UserIdField } from './scalars.ts';

/** Whose presence is asked for. */
export const presenceFields = {
  user_ids: Type.Array(UserIdField, { minItems: 1, maxItems: LIMITS.presenceIdsMax }),
};

const ID = UUID_V4_PATTERN.slice(1, -1);
/** Ids with commas between them; how many is checked beside the schema. */
export const PresenceQuery = Type.Object(
  {
    user_ids: Type.String({
      pattern: `^${ID}(,${ID})*$`,
      description: `≤ ${LIMITS.presenceIdsMax} ids with commas between them`,
    }),
  },
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
