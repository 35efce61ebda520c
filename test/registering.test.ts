import t from 'tap';
import { type BusinessSetUp, businessSetUps, namedUsers } from '../dev/kaha/people.ts';
import { registerBusinesses } from '../dev/kaha/register-businesses.ts';
import { type BusinessId, newId, type UserId } from '../shared/ids.ts';
import { askAsService } from './stage/business.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const door = {
  edgeUrl: system.stack.urls.edges[0] as string,
  serviceToken: system.stack.serviceToken,
};

/** Returns the set-ups of the stand-in for businesses and people of this test alone. */
function ownSetUps(): BusinessSetUp[] {
  return businessSetUps().map((setUp) => ({
    ...setUp,
    id: newId<BusinessId>(),
    agents: setUp.agents.map((agent) => ({ ...agent, user_id: newId<UserId>() })),
  }));
}

t.test('the stand-in has two businesses with three named agents each', async (t) => {
  const setUps = businessSetUps();
  t.match(
    setUps.map(({ agents }) => agents.map(({ role }) => role)),
    Array.from({ length: 2 }, () => ['manager', 'agent', 'agent']),
  );
  const agents = setUps.flatMap(({ agents }) => agents.map(({ user_id }) => user_id));
  t.equal(new Set(agents).size, 6, 'nobody works for both');
  for (const userId of agents) t.ok(namedUsers().get(userId)?.name);
});

t.test('the businesses of the stand-in are registered with settings and agents', async (t) => {
  const setUps = ownSetUps();
  const registered = await registerBusinesses(setUps, door);
  for (const [index, { id, name, settings, agents }] of setUps.entries()) {
    t.match(registered[index], { id, name });
    const byId = agents.map(({ user_id }) => user_id).sort();
    t.same(registered[index]?.agents.map(({ user_id }) => user_id).sort(), byId);
    t.match((await askAsService(system, `GET /businesses/${id}`)).body, settings);
  }
});

t.test('registering again changes nothing that somebody has changed', async (t) => {
  const [setUp] = ownSetUps() as [BusinessSetUp];
  await registerBusinesses([setUp], door);
  const path = `/businesses/${setUp.id}`;
  const [, gone, changed] = setUp.agents.map(({ user_id }) => user_id) as [UserId, UserId, UserId];
  await askAsService(system, `DELETE ${path}/agents/${gone}`);
  await askAsService(system, `PUT ${path}/agents/${changed}`, { capacity: 1 });
  await askAsService(system, `PUT ${path}`, { time_zone: 'Europe/Berlin' });
  const [registered] = await registerBusinesses([setUp], door);
  t.equal(registered?.agents.length, 2, 'who was removed is not back');
  const { body } = await askAsService(system, `GET ${path}/agents`);
  t.match(body.agents, [{}, {}]);
  t.ok((body.agents as { capacity?: number }[]).some(({ capacity }) => capacity === 1));
  t.match((await askAsService(system, `GET ${path}`)).body, { time_zone: 'Europe/Berlin' });
});

t.test('a registration that an edge refuses is reported', async (t) => {
  const strangerDoor = { ...door, serviceToken: newId<string>() };
  await t.rejects(registerBusinesses(ownSetUps(), strangerDoor), /401/);
  const [setUp] = ownSetUps() as [BusinessSetUp];
  const settings = { ...setUp.settings, time_zone: 'Mars/Olympus' };
  await t.rejects(registerBusinesses([{ ...setUp, settings }], door), /INVALID_REQUEST/);
});

t.test('a registration that is given up asks no edge', async (t) => {
  const signal = AbortSignal.abort(new Error('given up'));
  const setUps = ownSetUps();
  await t.rejects(registerBusinesses(setUps, { ...door, signal }), /given up/);
  const { status } = await askAsService(system, `GET /businesses/${setUps[0]?.id}`);
  t.equal(status, 404);
});
