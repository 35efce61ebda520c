import { businessSetUps, type StandInBusiness, type StandInUser } from './people.ts';

type WorksFor = { business_id: string; name: string; role: 'agent' | 'manager' };

/** The page lets a developer be one of these people. */
type Directory = {
  people: { user_id: string; name: string; works_for: WorksFor[] }[];
  businesses: { business_id: string; name: string }[];
};

type Known = {
  users: ReadonlyMap<string, StandInUser>;
  businesses: ReadonlyMap<string, StandInBusiness>;
};

/** A load test may add a million people, of whom a page can show a few. */
const SHOWN_MAX = 100;

/** Lists the people and businesses that were known first, and for whom each person works. */
export function directoryOf({ users, businesses }: Known): Directory {
  const work = new Map<string, WorksFor[]>();
  for (const { id, name, agents } of businessSetUps()) {
    for (const { user_id: userId, role = 'agent' } of agents) {
      work.set(userId, [...(work.get(userId) ?? []), { business_id: id, name, role }]);
    }
  }
  const people = [...users.values()].slice(0, SHOWN_MAX);
  const shown = [...businesses.values()].slice(0, SHOWN_MAX);
  return {
    people: people.map(({ id, name }) => ({ user_id: id, name, works_for: work.get(id) ?? [] })),
    businesses: shown.map(({ id, name }) => ({ business_id: id, name })),
  };
}
