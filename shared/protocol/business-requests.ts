import Type, { type Static } from 'typebox';
import type { BusinessId, UserId } from '../ids.ts';
import { described } from './described.ts';
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
const intervals = (description: string) =>
  Type.Array(IntervalField, { maxItems: LIMITS.intervalsMax, description });

/** A day of the week without intervals is closed. */
const WeekField = Type.Object(
  {
    mon: Type.Optional(intervals('The business is open at these times on Mondays.')),
    tue: Type.Optional(intervals('The business is open at these times on Tuesdays.')),
    wed: Type.Optional(intervals('The business is open at these times on Wednesdays.')),
    thu: Type.Optional(intervals('The business is open at these times on Thursdays.')),
    fri: Type.Optional(intervals('The business is open at these times on Fridays.')),
    sat: Type.Optional(intervals('The business is open at these times on Saturdays.')),
    sun: Type.Optional(intervals('The business is open at these times on Sundays.')),
  },
  {
    ...closed,
    description: 'A business without hours is always open. A day without times is closed.',
  },
);

/** On the date of an exception, its intervals stand in for those of the day of the week. */
const ExceptionField = Type.Object(
  {
    date: Type.String({ pattern: DATE, description: 'The exception holds on this date.' }),
    intervals: intervals('The business is open at these times of the date. None: it is closed.'),
  },
  closed,
);

/** A business without `hours` is always open, and one without `away_message` sends none. */
export const settingFields = {
  time_zone: Type.String({
    minLength: 1,
    maxLength: LIMITS.timeZoneCharactersMax,
    description: 'The hours are times of this IANA zone, such as `Asia/Kathmandu`.',
  }),
  hours: Type.Optional(WeekField),
  exceptions: Type.Optional(
    Type.Array(ExceptionField, {
      maxItems: LIMITS.exceptionsMax,
      description: 'On these dates other times hold than those of the day of the week.',
    }),
  ),
  away_message: Type.Optional(
    Type.String({
      maxLength: LIMITS.awayMessageCharactersMax,
      description: 'The business sends this text to a customer who writes out of hours.',
    }),
  ),
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
  description:
    'The agent has at most so many conversations. Without it, that of the business holds.',
});
export const defaultedFields = {
  assignment: Type.Union([Type.Literal('round_robin'), Type.Literal('least_busy')], {
    default: SETTING_DEFAULTS.assignment,
    description:
      'What waits goes to the agent with the fewest conversations, or to each agent in turn.',
  }),
  capacity: Type.Integer({
    ...capacity,
    default: SETTING_DEFAULTS.capacity,
    description: 'An agent without a capacity of their own has at most so many conversations.',
  }),
  offline_grace_s: Type.Integer({
    ...{ minimum: 30, maximum: 600 },
    default: SETTING_DEFAULTS.offline_grace_s,
    description: 'An agent who is offline for so many seconds is not available any more.',
  }),
  reassign_after_s: Type.Integer({
    ...{ minimum: 30, maximum: 86_400 },
    default: SETTING_DEFAULTS.reassign_after_s,
    description: 'What an absent agent had answered waits again so many seconds after a message.',
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
  description: 'A manager sees all, and changes the settings. Both answer customers.',
});
export const AgentStatusField = Type.Union(
  [Type.Literal('available'), Type.Literal('away'), Type.Literal('offline')],
  {
    description: '`away`: nothing new is given. `offline`: what is unanswered is taken back, too.',
  },
);
export type AgentStatus = Static<typeof AgentStatusField>;

/** Role and capacity are replaced together: what is left out is the default again. */
const agentFields = {
  user_id: described(UserIdField, 'The id names the user who answers for the business.'),
  role: Type.Optional(AgentRoleField),
  capacity: Type.Optional(CapacityField),
};
const AgentInput = Type.Object(agentFields, closed);
export type AgentInput = Static<typeof AgentInput>;

const business_id = BusinessIdField;

/** This request names one business. */
export const BusinessRequest = Type.Object({ business_id }, closed);

export const SetSettingsRequest = Type.Object(
  {
    business_id,
    settings: described(BusinessSettingsInput, 'These settings replace the ones before.'),
  },
  closed,
);

/** This request names a page of the agents of a business. */
export const AgentsRequest = Type.Object(
  { business_id, limit: Type.Optional(PageLimitField), cursor: Type.Optional(CursorField) },
  closed,
);
export type AgentsRequest = Static<typeof AgentsRequest>;

export const SetAgentsRequest = Type.Object(
  {
    business_id,
    agents: Type.Array(AgentInput, {
      maxItems: LIMITS.agentsMax,
      description: 'These agents and managers replace the ones before.',
    }),
  },
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

export const RemoveAgentRequest = Type.Object(
  { business_id, user_id: described(UserIdField, 'The id names the agent or manager.') },
  closed,
);

export const AvailabilityRequest = Type.Object({ business_id, status: AgentStatusField }, closed);
export type AvailabilityRequest = Static<typeof AvailabilityRequest>;
