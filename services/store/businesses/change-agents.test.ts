import { once } from 'node:events';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import type { BusinessAsker } from '../../../shared/contracts/businesses.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { AgentInput, AgentStatus } from '../../../shared/protocol/business-requests.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { PresenceRows } from '../stage/presence-rows.ts';
import { openStore, type StoreParts, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();

type Of = { asker?: BusinessAsker; id: BusinessId; at?: StoreParts };

const setAgents = ({ asker = 'service', id, at = store }: Of, agents: AgentInput[]) =>
  at.operations['businesses.set_agents']({ asker, business_id: id, agents }, 0);
const setAgent = ({ asker = 'service', id, at = store }: Of, agent: AgentInput) =>
  at.operations['businesses.set_agent']({ asker, business_id: id, agent }, 0);
const remove = ({ asker = 'service', id, at = store }: Of, user_id: UserId) =>
  at.operations['businesses.remove_agent']({ asker, business_id: id, user_id }, 0);
const list = ({ asker = 'service', id, at = store }: Of, page = {}) =>
  at.operations['businesses.agents']({ asker, business_id: id, ...page }, 0);
const setStatus = (business_id: BusinessId, user_id: UserId, status: AgentStatus) =>
  store.operations['businesses.set_status']({ business_id, user_id, status }, 0);

const OFFLINE = { status: 'offline', is_available: false, open: 0 };
/** Without a Redis nobody knows who is online, so what agents say counts. */
const AVAILABLE = { status: 'available', is_available: true, open: 0 };

const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());
const manager = (user_id: UserId): AgentInput => ({ user_id, role: 'manager' });

/** Makes a business with one manager and one agent. */
async function setBusiness() {
  const id = newId<BusinessId>();
  const [boss, agent] = users(2) as [UserId, UserId];
  await setAgents({ id }, [manager(boss), { user_id: agent }]);
  return { id, boss, agent };
}

/** Resolves with `ok` or the code of the refusal. */
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error) => KahaError.from(error).code,
  );

t.test('the list of agents is replaced as a whole, and who stays keeps their state', async (t) => {
  const id = newId<BusinessId>();
  const [ann, bob, zoe] = users(3).sort() as [UserId, UserId, UserId];
  const first = await setAgents({ id }, [manager(zoe), { user_id: ann }, { user_id: bob }]);
  t.same(first.agents, [
    { user_id: ann, role: 'agent', ...OFFLINE },
    { user_id: bob, role: 'agent', ...OFFLINE },
    { user_id: zoe, role: 'manager', ...OFFLINE },
  ]);
  await setStatus(id, ann, 'available');
  await setStatus(id, bob, 'available');
  await setAgents({ id }, [{ user_id: ann, role: 'manager', capacity: 3 }]);
  const { agents, next_cursor } = await list({ id });
  t.same(agents, [{ user_id: ann, role: 'manager', capacity: 3, ...AVAILABLE }]);
  t.equal(next_cursor, null);
  await setAgents({ id }, [{ user_id: ann }, { user_id: bob }]);
  t.match((await list({ id })).agents, [
    { user_id: ann, role: 'agent', status: 'available' },
    { user_id: bob, status: 'offline' },
  ]);
  t.notOk(
    'capacity' in ((await list({ id })).agents[0] ?? {}),
    'the capacity of the business holds',
  );
  t.same(await setAgents({ id }, []), { agents: [], next_cursor: null });
});

t.test('one agent is added and replaced, and removed once', async (t) => {
  const { id, boss } = await setBusiness();
  const [ann] = users(1) as [UserId];
  const of = { asker: boss, id };
  t.match(await setAgent(of, { user_id: ann, capacity: 100 }), { role: 'agent', capacity: 100 });
  await setStatus(id, ann, 'away');
  t.same(await setAgent(of, manager(ann)), {
    ...{ user_id: ann, role: 'manager', status: 'away', is_available: false, open: 0 },
  });
  await remove(of, ann);
  await t.rejects(remove(of, ann), { code: 'NOT_FOUND' });
  await t.rejects(setStatus(id, ann, 'available'), { code: 'FORBIDDEN' });
  t.match(
    await setAgent(of, { user_id: ann }),
    { status: 'offline' },
    'who comes back begins anew',
  );
  const nowhere = newId<BusinessId>();
  await t.rejects(remove({ id: nowhere }, ann), { code: 'NOT_FOUND' });
  const rows = await sql('select from businesses where business_id = $1', [nowhere]);
  t.equal(rows.length, 0, 'and no business is made');
});

t.test('a status keeps its time when it is set again', async (t) => {
  const { id, agent } = await setBusiness();
  const statusAt = async () =>
    (await sql('select status_at from business_agents where user_id = $1', [agent]))[0]?.status_at;
  t.same(await setStatus(id, agent, 'available'), { status: 'available', is_available: true });
  const first = await statusAt();
  await setStatus(id, agent, 'available');
  t.equal(await statusAt(), first);
  await setStatus(id, agent, 'away');
  t.not(await statusAt(), first);
});

t.test('each operation is for whom it should be', async (t) => {
  const { id, boss, agent } = await setBusiness();
  const elsewhere = (await setBusiness()).boss;
  const [stranger, former, someone] = users(3) as [UserId, UserId, UserId];
  await setAgent({ id }, manager(former));
  await remove({ id }, former);
  const askers = { service: 'service' as const, boss, agent, elsewhere, stranger, former };
  const may: Record<string, (asker: BusinessAsker) => [Promise<unknown>, string[]]> = {
    list: (asker) => [list({ asker, id }), ['service', 'boss', 'agent']],
    'set one': (asker) => [setAgent({ asker, id }, { user_id: someone }), ['service', 'boss']],
    remove: (asker) => [remove({ asker, id }, someone), ['service', 'boss']],
    'set all': (asker) => [
      setAgents({ asker, id }, [manager(boss), { user_id: agent }]),
      ['service', 'boss'],
    ],
  };
  for (const [name, call] of Object.entries(may)) {
    for (const [who, asker] of Object.entries(askers)) {
      if (name === 'remove') await setAgent({ id }, { user_id: someone });
      const [answer, allowed] = call(asker);
      t.equal(await codeOf(answer), allowed.includes(who) ? 'ok' : 'FORBIDDEN', `${name}: ${who}`);
    }
  }
  for (const [user, code] of [
    [boss, 'ok'],
    [agent, 'ok'],
    [elsewhere, 'FORBIDDEN'],
    [stranger, 'FORBIDDEN'],
    [former, 'FORBIDDEN'],
  ] as const) {
    t.equal(await codeOf(setStatus(id, user, 'available')), code);
  }
});

t.test('of two managers who remove each other, one goes and one is refused', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const id = newId<BusinessId>();
    const [ann, bob] = users(2) as [UserId, UserId];
    await setAgents({ id }, [manager(ann), manager(bob)]);
    const codes = await Promise.all([
      codeOf(remove({ asker: ann, id }, bob)),
      codeOf(remove({ asker: bob, id, at: other }, ann)),
    ]);
    t.same([...codes].sort(), ['FORBIDDEN', 'ok']);
    const { agents } = await list({ id });
    t.same(
      agents.map(({ user_id }) => user_id),
      [codes[0] === 'ok' ? ann : bob],
    );
  }
});

t.test('a manager who is made an agent meanwhile changes nothing any more', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const id = newId<BusinessId>();
    const [ann, bob] = users(2) as [UserId, UserId];
    await setAgents({ id }, [manager(ann), manager(bob)]);
    const codes = await Promise.all([
      codeOf(setAgents({ asker: ann, id }, [manager(ann), { user_id: bob }])),
      codeOf(setAgents({ asker: bob, id, at: other }, [{ user_id: ann }, manager(bob)])),
    ]);
    t.same([...codes].sort(), ['FORBIDDEN', 'ok']);
    const { agents } = await list({ id });
    t.equal(agents.filter(({ role }) => role === 'manager').length, 1);
  }
});

t.test('a status that races the removal of its agent is kept or refused', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const { id, boss, agent } = await setBusiness();
    const [status, removed] = await Promise.all([
      codeOf(setStatus(id, agent, 'available')),
      codeOf(remove({ asker: boss, id, at: other }, agent)),
    ]);
    t.ok(['ok', 'FORBIDDEN'].includes(status), status);
    t.equal(removed, 'ok');
    t.equal((await list({ id })).agents.length, 1);
  }
});

t.test('services set up one business at once, and none fails', async (t) => {
  const id = newId<BusinessId>();
  const people = users(8);
  await Promise.all(
    people.map((user_id, n) => setAgent({ id, at: n % 2 === 0 ? store : other }, { user_id })),
  );
  t.equal((await list({ id })).agents.length, people.length);
});

t.test('a thousand agents fit, one more is refused, and pages show each once', async (t) => {
  const id = newId<BusinessId>();
  const people = users(LIMITS.agentsMax);
  const first = await setAgents(
    { id },
    people.map((user_id) => ({ user_id, capacity: 1 })),
  );
  t.equal(first.agents.length, LIMITS.pageLimitDefault);
  await t.rejects(setAgent({ id }, { user_id: newId() }), { code: 'CONFLICT' });
  t.match(await setAgent({ id }, manager(people[0] as UserId)), { role: 'manager' });
  const seen: UserId[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ id }, { limit: 200, ...(cursor !== undefined && { cursor }) });
    t.ok((page.next_cursor ?? '').length <= 256);
    seen.push(...page.agents.map(({ user_id }) => user_id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  t.same(seen, [...people].sort());
  const elsewhere = (await setBusiness()).id;
  for (const [of, cursor] of [
    [id, 'nonsense'],
    [elsewhere, String(first.next_cursor)],
  ] as const) {
    await t.rejects(list({ id: of }, { cursor }), { code: 'INVALID_REQUEST' });
  }
});

const setAvailable = (at: StoreParts, agent: { business_id: BusinessId; user_id: UserId }) =>
  at.operations['businesses.set_status']({ ...agent, status: 'available' }, 0);

/** Opens a store with a Redis, in which an edge lives. */
async function openSeeing(t: Pick<Test, 'teardown'>) {
  const redis = new Redis(await redisUrl());
  await once(redis, 'ready');
  const seeing = openStore(stage.url, { redis });
  t.teardown(async () => {
    await seeing.close();
    redis.disconnect();
  });
  const presence = new PresenceRows(redis);
  await presence.live();
  return { seeing, presence };
}

t.test('who sets their status is available at once if they are online', async (t) => {
  const { seeing, presence } = await openSeeing(t);
  const { id, boss, agent } = await setBusiness();
  await presence.come(agent);
  const available = (user_id: UserId) => setAvailable(seeing, { business_id: id, user_id });
  t.match(await available(agent), { is_available: true });
  t.match(await available(boss), { is_available: false }, 'no edge has ever seen the manager');
  await presence.come(boss);
  t.match(await available(boss), { is_available: true });
  await presence.go(agent);
  t.match(await available(agent), { is_available: true }, 'the grace begins now');
});

t.test('while nobody knows, who sets their status counts as online, and nobody else', async (t) => {
  const { seeing, presence } = await openSeeing(t);
  const { id, boss, agent } = await setBusiness();
  const available = (user_id: UserId) => setAvailable(seeing, { business_id: id, user_id });
  for (const user of [boss, agent]) await available(user);
  await presence.live(1_000);
  const { agents } = await setAgents({ id, at: seeing }, [manager(boss), { user_id: agent }]);
  t.same(
    agents.map(({ is_available }) => is_available),
    [false, false],
  );
  t.match(await available(agent), { is_available: true });
});

t.test('what lets more be given out makes the business due at once', async (t) => {
  const rows = new BusinessRows(sql);
  await sql('delete from business_inboxes');
  const id = await rows.business();
  const [ann, bob] = [await rows.agent(id), newId<UserId>()];
  const of = { asker: 'service', business_id: id } as const;
  const settings = { time_zone: 'UTC', capacity: 9 };
  for (const [name, change] of Object.entries({
    'a status': () => setStatus(id, ann, 'available'),
    'an agent': () => setAgent({ id }, { user_id: bob, capacity: 2 }),
    'all agents': () => setAgents({ id }, [{ user_id: ann }, { user_id: bob }]),
    'an agent who is removed': () => remove({ id }, bob),
    settings: () => store.operations['businesses.set_settings']({ ...of, settings }, 0),
  })) {
    await sql(`update business_inboxes set due_at = now() + interval '1 hour'`);
    await change();
    // A stored time is rounded to the millisecond, so it may be half of one ahead.
    const due = await sql(
      `select from business_inboxes where due_at <= clock_timestamp() + interval '1 ms'`,
    );
    t.equal(due.length, 1, name);
  }
  await sql(`update business_inboxes set due_at = now() - interval '1 hour'`);
  await setStatus(id, ann, 'away');
  const late = `due_at < now() - interval '59 minutes'`;
  t.equal((await sql(`select from business_inboxes where ${late}`)).length, 1, 'not later');
});
