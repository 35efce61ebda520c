import Type, { type Static } from 'typebox';
import type { BusinessId, UserId } from '../ids.ts';
import { LIMITS } from './limits.ts';
import { BusinessIdField, CursorField, PageLimitField, UserIdField } from './scalars.ts';

/** These are the requests of clients about businesses. An unknown field is an error. */

const closed = { additionalProperties: false };

/** A time of a day is `HH:MM`. `24:00` is the end of the day, and no interval begins then. */
const TIME_OF_DAY = '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$';
/** The pattern of a date cannot refuse 30 February, so `settingsProblem` does. */
const DATE = '^(?:19[7-9]\\d|[2-9]\\d{3})-\\d{2}-\\d{2}$';

/** An interval begins at its first time. A last time that is not later is of the day after. */
export type Interval = readonly [string, string];

const IntervalField = Type.Unsafe<Interval>({
  type: 'array',
  items: { type: 'string', pattern: TIME_OF_DAY },
  minItems: 2,
  maxItems: 2,
});
const IntervalsField = Type.Array(IntervalField, { maxItems: LIMITS.intervalsMax });

/** A day of the week without intervals is closed. */
const WeekField = Type.Object(
  {
    mon: Type.Optional(IntervalsField),
    tue: Type.Optional(IntervalsField),
    wed: Type.Optional(IntervalsField),
    thu: Type.Optional(IntervalsField),
    fri: Type.Optional(IntervalsField),
    sat: Type.Optional(IntervalsField),
    sun: Type.Optional(IntervalsField),
  },
  closed,
);

/** On the date of an exception, its intervals stand in for those of the day of the week. */
const ExceptionField = Type.Object(
  { date: Type.String({ pattern: DATE }), intervals: IntervalsField },
  closed,
);

/** A business without `hours` is always open, and one without `away_message` sends none. */
export const settingFields = {
  time_zone: Type.String({ minLength: 1, maxLength: LIMITS.timeZoneCharactersMax }),
  hours: Type.Optional(WeekField),
  exceptions: Type.Optional(Type.Array(ExceptionField, { maxItems: LIMITS.exceptionsMax })),
  away_message: Type.Optional(Type.String({ maxLength: LIMITS.awayMessageCharactersMax })),
};
/** Where settings leave one of these out, this is what holds. */
export const SETTING_DEFAULTS = {
  assignment: 'least_busy',
  capacity: 5,
  offline_grace_s: 60,
  reassign_after_s: 300,
} as const;

const capacity = { minimum: 1, maximum: LIMITS.capacityMax };
export const CapacityField = Type.Integer({
  ...capacity,
  description: 'Without it, the one of the business holds',
});
export const defaultedFields = {
  assignment: Type.Union([Type.Literal('round_robin'), Type.Literal('least_busy')], {
    default: SETTING_DEFAULTS.assignment,
  }),
  capacity: Type.Integer({ ...capacity, default: SETTING_DEFAULTS.capacity }),
  offline_grace_s: Type.Integer({
    ...{ minimum: 30, maximum: 600 },
    default: SETTING_DEFAULTS.offline_grace_s,
  }),
  reassign_after_s: Type.Integer({
    ...{ minimum: 30, maximum: 86_400 },
    default: SETTING_DEFAULTS.reassign_after_s,
  }),
};

/** A client gives the settings of a business with this input. What it leaves out is the default. */
export const BusinessSettingsInput = Type.Object(
  { ...settingFields, ...Type.Partial(Type.Object(defaultedFields)).properties },
  closed,
);
export type BusinessSettingsInput = Static<typeof BusinessSettingsInput>;

export const AgentRoleField = Type.Union([Type.Literal('agent'), Type.Literal('manager')], {
  default: 'agent',
});
export const AgentStatusField = Type.Union([
  Type.Literal('available'),
  Type.Literal('away'),
  Type.Literal('offline'),
]);
export type AgentStatus = Static<typeof AgentStatusField>;

/** Role and capacity are replaced together: what is left out is the default again. */
const agentFields = {
  user_id: UserIdField,
  role: Type.Optional(AgentRoleField),
  capacity: Type.Optional(CapacityField),
};
const AgentInput = Type.Object(agentFields, closed);
export type AgentInput = Static<typeof AgentInput>;

const business_id = BusinessIdField;

/** This request names one business. */
export const BusinessRequest = Type.Object({ business_id }, closed);

export const SetSettingsRequest = Type.Object(
  { business_id, settings: BusinessSettingsInput },
  closed,
);

/** This request names a page of the agents of a business. */
export const AgentsRequest = Type.Object(
  { business_id, limit: Type.Optional(PageLimitField), cursor: Type.Optional(CursorField) },
  closed,
);
export type AgentsRequest = Static<typeof AgentsRequest>;

export const SetAgentsRequest = Type.Object(
  { business_id, agents: Type.Array(AgentInput, { maxItems: LIMITS.agentsMax }) },
  closed,
);
export const SetAgentRequest = Type.Object({ business_id, ...agentFields }, closed);

/**
 * Returns what is wrong with agents that a client wants a business to have, or undefined. The
 * business itself takes part in its conversations under its own id, so no agent can have that id.
 */
export function agentsProblem(
  businessId: BusinessId,
  agents: readonly AgentInput[],
): string | undefined {
  const seen = new Set<UserId>();
  for (const { user_id } of agents) {
    if ((user_id as string) === businessId) return 'user_id: is the business itself';
    if (seen.has(user_id)) return `agents: ${user_id} comes twice`;
    seen.add(user_id);
  }
  return undefined;
}

export const RemoveAgentRequest = Type.Object({ business_id, user_id: UserIdField }, closed);

export const AvailabilityRequest = Type.Object({ business_id, status: AgentStatusField }, closed);
export type AvailabilityRequest = Static<typeof AvailabilityRequest>;
