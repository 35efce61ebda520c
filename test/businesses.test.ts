import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { askAsService, makeBusiness } from './stage/business.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const { serviceToken } = system.stack;
system.canaries.add(serviceToken);

const SETTINGS = { time_zone: 'Asia/Kathmandu', hours: { mon: [['22:00', '06:00']] } };

const ask = (who: Person | undefined, what: string, body?: unknown): Promise<RestAnswer> => {
  if (who === undefined) return askAsService(system, what, body);
  const [method, path] = what.split(' ') as [string, string];
  return system.rest(method, `/api/v1${path}`, { token: who.token, body });
};
const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);

/** Everybody who has, had, or never had to do with a business, by their standing. */
async function setCast() {
  const [manager, agent, elsewhere, stranger, former] = await system.people(5);
  const id = await makeBusiness(system, { managers: [manager], agents: [agent, former] });
  await makeBusiness(system, { managers: [elsewhere] });
  await askAsService(system, `DELETE /businesses/${id}/agents/${former.id}`);
  const users = { manager, agent, elsewhere, stranger, former };
  return { id, users, everybody: Object.entries({ service: undefined, ...users }) };
}

/** Each row names who may do it. All others are answered with FORBIDDEN. */
const OPERATIONS: Record<string, { path: string; body?: unknown; may: string[] }> = {
  'GET settings': { path: '', may: ['service', 'manager', 'agent'] },
  'PUT settings': { path: '', body: SETTINGS, may: ['service', 'manager'] },
  'GET agents': { path: '/agents', may: ['service', 'manager', 'agent'] },
  'PUT agents': { path: '/agents', may: ['service', 'manager'] },
  'PUT agent': { path: '/agents/:someone', body: { capacity: 3 }, may: ['service', 'manager'] },
  'DELETE agent': { path: '/agents/:someone', may: ['service', 'manager'] },
  'PUT availability': {
    path: '/availability',
    body: { status: 'available' },
    may: ['manager', 'agent'],
  },
};

t.test('each operation is answered to whom it is for, and to nobody else', async (t) => {
  const { id, users, everybody } = await setCast();
  const someone = await system.person();
  const staff = [{ user_id: users.manager.id, role: 'manager' }, { user_id: users.agent.id }];
  for (const [name, { path, body, may }] of Object.entries(OPERATIONS)) {
    const [method] = name.split(' ') as [string];
    for (const [who, person] of everybody) {
      const one = `/businesses/${id}/agents/${someone.id}`;
      if (name === 'DELETE agent') await askAsService(system, `PUT ${one}`, {});
      const below = `/businesses/${id}${path.replace(':someone', someone.id)}`;
      const sent = name === 'PUT agents' ? { agents: staff } : body;
      const answer = await ask(person, `${method} ${below}`, sent);
      t.equal(codeOf(answer), may.includes(who) ? 'ok' : 'FORBIDDEN', `${name}: ${who}`);
    }
  }
});

t.test('over the socket an agent sets the availability of themselves alone', async (t) => {
  const { id, users } = await setCast();
  for (const [who, person] of Object.entries(users)) {
    const client = await system.connectNew(person);
    const frame = { type: 'availability', business_id: id, status: 'available' };
    const { data, error } = await client.ask(frame);
    if (!['manager', 'agent'].includes(who)) {
      t.equal(error?.code, 'FORBIDDEN', who);
      continue;
    }
    t.match(data, { status: 'available' });
    await until('who has a socket is available', async () => {
      return (await client.ask(frame)).data?.is_available === true;
    });
  }
  const { body } = await askAsService(system, `GET /businesses/${id}/agents`);
  t.match(body.agents, [{ status: 'available', is_available: true, open: 0 }, {}]);
  const shown = body.agents as { user_id: string }[];
  t.same(
    shown.map(({ user_id }) => user_id),
    [users.manager.id, users.agent.id].sort(),
  );
});

t.test('a user is told the same of a business that is not there', async (t) => {
  const { id, users } = await setCast();
  const nowhere = newId<string>();
  for (const [name, { path, body }] of Object.entries(OPERATIONS)) {
    const [method] = name.split(' ') as [string];
    const sent = name === 'PUT agents' ? { agents: [] } : body;
    const [there, not] = await Promise.all(
      [id, nowhere].map((one) => {
        const below = `/businesses/${one}${path.replace(':someone', users.agent.id)}`;
        return ask(users.stranger, `${method} ${below}`, sent);
      }),
    );
    t.same([there?.status, there?.body], [403, not?.body], name);
    t.equal(not?.status, 403);
  }
  t.equal(codeOf(await askAsService(system, `GET /businesses/${nowhere}`)), 'NOT_FOUND');
  const settings = await askAsService(system, `PUT /businesses/${nowhere}`, SETTINGS);
  t.match(settings.body, SETTINGS, 'kaha-main-v3 need not know a business');
});

t.test('of two managers who remove each other by two edges, one stays', async (t) => {
  const [ann, bob] = await system.people(2);
  for (let round = 0; round < 5; round += 1) {
    const id = await makeBusiness(system, { managers: [ann, bob] });
    const path = `/api/v1/businesses/${id}/agents`;
    const answers = await Promise.all([
      system.rest('DELETE', `${path}/${bob.id}`, { token: ann.token, edge: 1 }),
      system.rest('DELETE', `${path}/${ann.id}`, { token: bob.token, edge: 2 }),
    ]);
    t.same(answers.map(codeOf).sort(), ['FORBIDDEN', 'ok']);
    const left = await askAsService(system, `GET /businesses/${id}/agents`);
    t.match(left.body.agents, [{ role: 'manager' }]);
    t.equal((left.body.agents as object[]).length, 1);
  }
});

t.test('a thousand agents are set in one call, and read page by page', async (t) => {
  const manager = await system.person();
  const id = await makeBusiness(system, { managers: [manager] });
  const agents = [
    { user_id: manager.id, role: 'manager', capacity: 100 },
    ...Array.from({ length: 999 }, () => ({ user_id: newId<string>(), capacity: 100 })),
  ];
  const path = `/businesses/${id}/agents`;
  const set = await ask(manager, `PUT ${path}`, { agents });
  t.equal(codeOf(set), 'ok');
  t.equal((set.body.agents as object[]).length, 50);
  const seen: string[] = [];
  let query = 'limit=200';
  while (query !== '') {
    const { body } = await askAsService(system, `GET ${path}?${query}`);
    seen.push(...(body.agents as { user_id: string }[]).map(({ user_id }) => user_id));
    query = body.next_cursor === null ? '' : `limit=200&cursor=${String(body.next_cursor)}`;
  }
  t.same(seen, agents.map(({ user_id }) => user_id).sort());
  t.equal(codeOf(await ask(manager, `PUT ${path}/${newId()}`, {})), 'CONFLICT');
});

t.test('no log has the token of a service', async (t) => {
  t.same(system.leaks(), []);
});
