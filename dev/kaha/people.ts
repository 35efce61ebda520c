import type { BusinessId, UserId } from '../../shared/ids.ts';
import type { AgentInput, BusinessSettingsInput } from '../../shared/protocol/business-requests.ts';

export type StandInUser = { id: string; name: string; avatar_url: string; user_type: string };
export type StandInBusiness = { id: string; name: string; avatar_url: string; is_online: boolean };

/** kaha-main-v3 tells kaha-chat this of a business. */
export type BusinessSetUp = {
  id: BusinessId;
  name: string;
  settings: BusinessSettingsInput;
  agents: AgentInput[];
};

/** The page asks no other host for anything, and shows initials instead. */
const NO_PICTURE = '';
const CUSTOMERS = ['Asha', 'Bikram', 'Chandra', 'Deepa', 'Eli', 'Farah', 'Gita', 'Hari'];
const AGENTS = ['Ishwor', 'Jaya', 'Kiran', 'Laxmi', 'Maya', 'Nabin'];
/** So many of the agents belong to the first business, and so many to the next. */
const AGENTS_EACH = 3;

const DAY: [string, string][] = [['09:00', '18:00']];
/** The first business is always open, and the second one closes in the evening and on Saturdays. */
const BUSINESSES: { name: string; settings: BusinessSettingsInput }[] = [
  { name: 'Himal Books', settings: { time_zone: 'Asia/Kathmandu' } },
  {
    name: 'Kaha Cafe',
    settings: {
      ...{ time_zone: 'Asia/Kathmandu', assignment: 'round_robin', capacity: 2 },
      hours: { sun: DAY, mon: DAY, tue: DAY, wed: DAY, thu: DAY, fri: DAY },
      away_message: 'We are closed. We answer when we open again.',
    },
  },
];

const GROUPS = { customers: 1, businesses: 2, agents: 3 } as const;

/** Returns an id that anyone can type, because only the last digits differ. */
function idOf(group: keyof typeof GROUPS, index: number): string {
  return `${String(GROUPS[group]).repeat(8)}-0000-4000-8000-${String(index + 1).padStart(12, '0')}`;
}

/** Returns the people that the stand-in knows at the start, by id. */
export function namedUsers(): Map<string, StandInUser> {
  const users = [...usersOf('customers', CUSTOMERS), ...usersOf('agents', AGENTS)];
  return new Map(users.map((user) => [user.id, user]));
}

function usersOf(group: 'customers' | 'agents', names: readonly string[]): StandInUser[] {
  return names.map((name, index) => ({
    id: idOf(group, index),
    name,
    avatar_url: NO_PICTURE,
    user_type: group === 'customers' ? 'customer' : 'agent',
  }));
}

/** Returns the businesses that the stand-in knows at the start, by id. */
export function namedBusinesses(): Map<string, StandInBusiness> {
  const businesses = BUSINESSES.map(({ name }, index) => ({
    id: idOf('businesses', index),
    name,
    avatar_url: NO_PICTURE,
    is_online: true,
  }));
  return new Map(businesses.map((business) => [business.id, business]));
}

/** Returns how the named businesses are set up. The first agent of each is its manager. */
export function businessSetUps(): BusinessSetUp[] {
  return BUSINESSES.map(({ name, settings }, index) => {
    const first = index * AGENTS_EACH;
    const agents = AGENTS.slice(first, first + AGENTS_EACH).map(
      (_, agent): AgentInput => ({
        user_id: idOf('agents', first + agent) as UserId,
        role: agent === 0 ? 'manager' : 'agent',
      }),
    );
    return { id: idOf('businesses', index) as BusinessId, name, settings, agents };
  });
}
