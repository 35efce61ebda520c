export type StandInUser = { id: string; name: string; avatar_url: string; user_type: string };
export type StandInBusiness = { id: string; name: string; avatar_url: string; is_online: boolean };

const NAMES = ['Asha', 'Bikram', 'Chandra', 'Deepa', 'Eli', 'Farah', 'Gita', 'Hari'];
const BUSINESSES = ['Himal Books', 'Kaha Cafe'];

/** Returns an id that anyone can type, because only the last digits differ. */
function idOf(group: number, index: number): string {
  return `${String(group).repeat(8)}-0000-4000-8000-${String(index + 1).padStart(12, '0')}`;
}

/** Returns the people that the stand-in knows at the start, by id. */
export function namedUsers(): Map<string, StandInUser> {
  const users = NAMES.map((name, index) => ({
    id: idOf(1, index),
    name,
    avatar_url: `https://example.com/avatars/${name.toLowerCase()}.png`,
    user_type: 'customer',
  }));
  return new Map(users.map((user) => [user.id, user]));
}

/** Returns the businesses that the stand-in knows at the start, by id. */
export function namedBusinesses(): Map<string, StandInBusiness> {
  const businesses = BUSINESSES.map((name, index) => ({
    id: idOf(2, index),
    name,
    avatar_url: `https://example.com/logos/${index + 1}.png`,
    is_online: true,
  }));
  return new Map(businesses.map((business) => [business.id, business]));
}
