import Type, { type Static } from 'typebox';
import {
  AgentRoleField,
  AgentStatusField,
  CapacityField,
  defaultedFields,
  settingFields,
} from './business-requests.ts';
import { UserIdField } from './scalars.ts';

/** The server shows the settings and the agents of a business in these shapes. */

export const BusinessSettings = Type.Object({ ...settingFields, ...defaultedFields });
export type BusinessSettings = Static<typeof BusinessSettings>;

const isAvailable = Type.Boolean({
  description:
    'Their status is `available`, and they are online, or offline for less than `offline_grace_s`',
});

export const AgentShape = Type.Object({
  user_id: UserIdField,
  role: AgentRoleField,
  capacity: Type.Optional(CapacityField),
  status: AgentStatusField,
  is_available: isAvailable,
  open: Type.Integer({ minimum: 0, description: 'How many conversations the agent has now' }),
});
export type AgentShape = Static<typeof AgentShape>;

export const AgentsShape = Type.Object({
  agents: Type.Array(AgentShape),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});

/** `availability` is answered with this shape. */
export const AvailabilityShape = Type.Object({
  status: AgentStatusField,
  is_available: isAvailable,
});
