import Type, { type Static } from 'typebox';
import { described } from './described.ts';
import { LIMITS } from './limits.ts';
import { BusinessIdField, TimeField, UserIdField } from './scalars.ts';

const idsUpTo = (maxItems: number) => ({
  user_ids: Type.Optional(
    Type.Array(UserIdField, { maxItems, description: 'The caller asks about these users.' }),
  ),
  business_ids: Type.Optional(
    Type.Array(BusinessIdField, {
      maxItems,
      description: 'The caller asks about these businesses. Both lists share the limit.',
    }),
  ),
});

/** This request names the users and the businesses whose presence a client wants to know. */
export const PresenceRequest = Type.Object(idsUpTo(LIMITS.presenceIdsMax), {
  additionalProperties: false,
});
type PresenceRequest = Static<typeof PresenceRequest>;

/** This request names them in a URL. */
export const PresenceUrlRequest = Type.Object(idsUpTo(LIMITS.presenceUrlIdsMax), {
  additionalProperties: false,
});

/** Returns, in words, what the schema cannot find: a request without ids, or with too many. */
export const presenceProblem = (request: PresenceRequest): string | undefined =>
  idsProblem(request, LIMITS.presenceIdsMax);
export const presenceUrlProblem = (request: PresenceRequest): string | undefined =>
  idsProblem(request, LIMITS.presenceUrlIdsMax);

function idsProblem(
  { user_ids = [], business_ids = [] }: PresenceRequest,
  max: number,
): string | undefined {
  const count = user_ids.length + business_ids.length;
  if (count === 0) return 'user_ids or business_ids must name somebody';
  return count > max ? `at most ${max} ids` : undefined;
}

/**
 * A user is `unknown` if they share no conversation with the caller, or if their presence cannot be
 * known now.
 */
export const PresenceEntry = Type.Object({
  user_id: UserIdField,
  status: Type.Union([Type.Literal('online'), Type.Literal('offline'), Type.Literal('unknown')], {
    description: 'The user is `unknown` to who shares no conversation, or cannot be looked up now.',
  }),
  last_seen_at: Type.Optional(
    Type.String({ description: 'The user, who is offline, was last online then.' }),
  ),
});
export type PresenceEntry = Static<typeof PresenceEntry>;

/**
 * A business is `online` while it is open and one of its agents is available. `opens_at` is when it
 * opens next. A business that is open has none, and neither has one that does not open within two
 * years.
 */
const BusinessPresence = Type.Object({
  business_id: BusinessIdField,
  status: Type.Union([Type.Literal('online'), Type.Literal('offline')], {
    description: 'The business is `online` while it is open and an agent is available.',
  }),
  opens_at: Type.Optional(described(TimeField, 'The business, which is closed, opens then.')),
});
export type BusinessPresence = Static<typeof BusinessPresence>;

/** `presence_watch` and `GET /presence` are answered with this shape, users first. */
export const PresenceShape = Type.Object({
  presence: Type.Array(Type.Union([PresenceEntry, BusinessPresence]), {
    description: 'Each id that was asked about has an entry, users first.',
  }),
});
export type PresenceShape = Static<typeof PresenceShape>;
