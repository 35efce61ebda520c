import t from 'tap';
import { agentListOf, agentsOf, businessOf, peopleOf } from './business-people.ts';

const options = { businesses: 3, agents: 7, customers: 5, seed: 'test', edges: 2 };
const people = peopleOf(options);

t.test('every agent works for one business, and each has a manager', async (t) => {
  const all = people.businessIds.flatMap((_, business) => {
    const agents = agentsOf(business, people);
    for (const agent of agents) t.equal(businessOf(agent, people), business);
    const [manager, ...others] = agentListOf(business, people, 4);
    t.match(manager, { role: 'manager', capacity: 4 });
    t.ok(others.every(({ role }) => role === 'agent'));
    return agents;
  });
  t.same(all.sort(), [0, 1, 2, 3, 4, 5, 6]);
});

t.test('nobody is an agent and a customer, and a seed gives the same people', async (t) => {
  const ids = people.places.map(({ userId }) => userId);
  t.equal(new Set([...ids, ...people.businessIds]).size, 7 + 5 + 3);
  t.same(peopleOf(options), people);
  t.not(peopleOf({ ...options, seed: 'other' }).businessIds[0], people.businessIds[0]);
});
