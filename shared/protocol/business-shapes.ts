import Type, { type Static } from 'typebox';
import {
  AgentRoleField,
  AgentStatusField,
  CapacityField,
  defaultedFields,
  settingFields,
} from './business-requests.ts';
import { described } from './described.ts';
import { NextCursorField, UserIdField } from './scalars.ts';

/** The server shows the settings and the agents of a business in these shapes. */

export const BusinessSettings = Type.Object({ ...settingFields, ...defaultedFields });
export type BusinessSettings = Static<typeof BusinessSettings>;

const isAvailable = Type.Boolean({
  description: 'The agent is `available`, and online or offline for less than `offline_grace_s`.',
});

export const AgentShape = Type.Object({
  user_id: described(UserIdField, 'The id names the agent or manager.'),
  role: AgentRoleField,
  capacity: Type.Optional(CapacityField),
  status: AgentStatusField,
  is_available: isAvailable,
  open: Type.Integer({ minimum: 0, description: 'The agent has so many conversations now.' }),
});
export type AgentShape = Static<typeof AgentShape>;

export const AgentsShape = Type.Object({
  agents: Type.Array(AgentShape, { description: 'The page has these agents and managers.' }),
  next_cursor: NextCursorField,
});

/** `availability` is answered with this shape. */
export const AvailabilityShape = Type.Object({
  status: AgentStatusField,
  is_available: isAvailable,
});
