import Type, { type Static } from 'typebox';
import { LIMITS } from './limits.ts';
import { BusinessIdField, TimeField, UserIdField } from './scalars.ts';

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

/** This request asks once for the presence of users and of businesses. */
export const PresenceQuery = Type.Object(
  {
    user_ids: Type.Optional(Type.Array(UserIdField, { maxItems: LIMITS.presenceIdsMax })),
    business_ids: Type.Optional(Type.Array(BusinessIdField, { maxItems: LIMITS.presenceIdsMax })),
  },
  { additionalProperties: false },
);
type PresenceQuery = Static<typeof PresenceQuery>;

/** Returns, in words, what the schema cannot find: a query without ids, or with too many. */
export function presenceQueryProblem(query: PresenceQuery): string | undefined {
  const count = (query.user_ids?.length ?? 0) + (query.business_ids?.length ?? 0);
  if (count === 0) return 'user_ids or business_ids must name somebody';
  return count > LIMITS.presenceIdsMax ? `at most ${LIMITS.presenceIdsMax} ids` : undefined;
}

/**
 * A business is `online` while it is open and one of its agents is available. `opens_at` is when it
 * opens next. A business that is open has none, and neither has one that does not open within two
 * years.
 */
const BusinessPresence = Type.Object({
  business_id: BusinessIdField,
  status: Type.Union([Type.Literal('online'), Type.Literal('offline')]),
  opens_at: Type.Optional(TimeField),
});
export type BusinessPresence = Static<typeof BusinessPresence>;

/** A query is answered with this shape. */
export const PresenceQueryShape = Type.Object({
  presence: Type.Array(Type.Union([PresenceEntry, BusinessPresence])),
});
