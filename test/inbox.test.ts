import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { InboxWatch } from './inbox/inbox-watch.ts';
import { askAsService, makeBusiness } from './stage/business.ts';
import type { Client } from './stage/client.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const STEPS = isSoak ? 2_000 : 500;
const CUSTOMERS = 16;
/** So many requests are under way at once. */
const AT_ONCE = 16;
const REFUSED = ['CONFLICT', 'NOT_A_PARTICIPANT', 'FORBIDDEN', 'RATE_LIMITED'];

/**
 * Ann and Bob are agents, and Cleo is a manager. They are away, so nothing is given to them by
 * itself, and nothing that they have goes back.
 */
async function setScene(count: number) {
  const [ann, bob, cleo] = await system.people(3);
  const business = await makeBusiness(system, { managers: [cleo], agents: [ann, bob] });
  for (const { token } of [ann, bob, cleo]) {
    const path = `/api/v1/businesses/${business}/availability`;
    const set = await system.rest('PUT', path, { token, body: { status: 'away' } });
    if (set.status !== 200) throw new Error(JSON.stringify(set.body));
  }
  const customers = await system.people(count);
  const talks = await Promise.all(customers.map((customer) => openTalk(customer, business)));
  return { ann, bob, cleo, business, customers, talks };
}

async function openTalk({ token }: Person, business_id: string): Promise<string> {
  const body = { type: 'business', business_id };
  const answer = await system.rest('POST', '/api/v1/conversations', { token, body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  const id = String(answer.body.conversation_id);
  system.canaries.add(id);
  return id;
}

async function versionOf(business: string): Promise<number> {
  const text = 'select version from business_inboxes where business_id = $1';
  const [row] = await system.sql<{ version: string }>(text, [business]);
  return Number(row?.version ?? 0);
}

t.test('watchers on two edges know after random steps what the lists say', async (t) => {
  const { ann, bob, cleo, business, customers, talks } = await setScene(CUSTOMERS);
  const clients: Client[] = [];
  for (const [index, customer] of customers.entries()) {
    clients.push(await system.connectNew(customer, { edge: 1 + (index % 2) }));
  }
  const agents = [
    await InboxWatch.begin(system, { person: ann, business, edge: 1 }),
    await InboxWatch.begin(system, { person: bob, business, edge: 2 }),
  ];
  const manager = await InboxWatch.begin(system, {
    ...{ person: cleo, business, edge: 2, isManager: true },
  });
  const watches = [...agents, manager];
  const staff = watches.map(({ client }) => client);
  const step = async (): Promise<void> => {
    const at = randomInt(CUSTOMERS);
    const id = talks[at] as string;
    const by = staff[randomInt(staff.length)] as Client;
    const agent_id = (randomInt(2) === 0 ? ann : bob).id;
    const kinds = [
      () => (clients[at] as Client).post(id, 'Are you there?'),
      () => by.post(id, 'Yes.'),
      () => by.ask({ type: 'assign', conversation_id: id }),
      () => by.ask({ type: 'assign', conversation_id: id, agent_id, force: true }),
      () => by.ask({ type: 'release', conversation_id: id }),
      () => by.ask({ type: 'close', conversation_id: id }),
      () => by.ask({ type: 'reopen', conversation_id: id }),
    ];
    const { error } = await (kinds[randomInt(kinds.length)] as (typeof kinds)[0])();
    if (error !== undefined && !REFUSED.includes(error.code)) t.fail(JSON.stringify(error));
  };
  while ((await versionOf(business)) < STEPS) {
    await Promise.all(Array.from({ length: AT_ONCE }, step));
  }
  const version = await versionOf(business);
  for (const watch of watches) {
    await until('all steps are told', () => watch.version === version);
    const [waiting, mine, closed] = await Promise.all([
      watch.list('waiting'),
      watch.list('mine'),
      watch.list('closed'),
    ]);
    const held = watch === manager ? await watch.list('assigned') : mine;
    const { counts } = mine;
    await until('the counts are told', () => isDeepStrictEqual(watch.counts, counts));
    for (const list of [waiting, mine, closed, held]) t.same(list.version, version);
    t.same(watch.inState('waiting'), waiting.conversations);
    t.same(watch.inState('assigned'), held.conversations);
    t.same(watch.inState('closed'), closed.conversations);
    t.same(watch.odd, []);
    t.ok(watch.areCountsRare);
    t.same(
      [counts.waiting, counts.mine],
      [waiting, mine].map((list) => list.conversations.length),
    );
  }
  t.equal((await manager.list('assigned')).conversations.length, manager.counts?.assigned);
});

/** Resolves once the watcher has heard of all that has happened in the inbox. */
async function untilTold(watch: InboxWatch, business: string): Promise<number> {
  const version = await versionOf(business);
  await until('all steps are told', () => watch.version === version);
  return version;
}

t.test('a removed agent hears neither of what they lose nor of anything after it', async (t) => {
  const { ann, bob, cleo, business, customers, talks } = await setScene(1);
  const [customer, talk] = [customers[0] as Person, talks[0] as string];
  const client = await system.connectNew(customer);
  const removed = await InboxWatch.begin(system, { person: ann, business, edge: 2 });
  const other = await InboxWatch.begin(system, { person: bob, business, edge: 1 });
  await client.post(talk, 'Are you there?');
  const assign = { type: 'assign', conversation_id: talk };
  t.equal((await removed.client.ask(assign)).error, undefined);
  const before = await untilTold(removed, business);
  await untilTold(other, business);
  t.same(other.inState('assigned'), []);
  const path = `/api/v1/businesses/${business}/agents/${ann.id}`;
  t.equal((await system.rest('DELETE', path, { token: cleo.token })).status, 204);
  await client.post(talk, 'Still there?');
  t.equal(await untilTold(other, business), before + 2);
  t.same(other.inState('waiting'), (await other.list('waiting')).conversations);
  t.same([other.odd, removed.odd], [[], []]);
  t.equal(removed.version, before);
  for (const type of ['inbox', 'inbox_watch']) {
    const view = type === 'inbox' ? { view: 'waiting' } : {};
    const { error } = await removed.client.ask({ type, business_id: business, ...view });
    t.equal(error?.code, 'FORBIDDEN', type);
  }
  await askAsService(system, `PUT /businesses/${business}/agents/${ann.id}`, {});
  const back = await removed.client.ask({ type: 'inbox_watch', business_id: business });
  t.match(back.data, { version: before + 2, counts: { waiting: 1, assigned: 0, mine: 0 } });
});

t.test('a demoted manager hears as much as an agent, and a promoted agent all', async (t) => {
  const { ann, bob, cleo, business, customers, talks } = await setScene(1);
  const [customer, talk] = [customers[0] as Person, talks[0] as string];
  const client = await system.connectNew(customer);
  const demoted = await InboxWatch.begin(system, { person: cleo, business, isManager: true });
  const promoted = await InboxWatch.begin(system, { person: bob, business, isManager: true });
  const agent = await InboxWatch.begin(system, { person: ann, business, edge: 2 });
  await client.post(talk, 'Are you there?');
  for (const [{ id }, role] of [
    [cleo, 'agent'],
    [bob, 'manager'],
  ] as const) {
    const set = await askAsService(system, `PUT /businesses/${business}/agents/${id}`, { role });
    t.equal(set.status, 200);
  }
  await agent.client.ask({ type: 'assign', conversation_id: talk });
  await agent.client.ask({ type: 'close', conversation_id: talk });
  for (const watch of [demoted, promoted, agent]) await untilTold(watch, business);
  t.equal(promoted.inState('closed').length, 1);
  t.same(demoted.inState('closed'), []);
  t.same(demoted.inState('assigned'), []);
});

t.test('a step of which no signal came is told all the same', async (t) => {
  const { ann, bob, business, customers, talks } = await setScene(1);
  const [customer, talk] = [customers[0] as Person, talks[0] as string];
  const client = await system.connectNew(customer);
  const watch = await InboxWatch.begin(system, { person: ann, business, edge: 2 });
  await client.post(talk, 'Are you there?');
  await untilTold(watch, business);
  // A router that dies between the commit and the signal leaves this behind.
  const text = 'update business_inboxes set version = version + 1 where business_id = $1';
  await system.sql(text, [business]);
  // Each edge reads what is watched within 18 s. Here somebody who begins to watch lets it read.
  if (!isSoak) await InboxWatch.begin(system, { person: bob, business, edge: 2 });
  const version = await versionOf(business);
  await until('the step is told', () => watch.version === version, 25_000);
  t.same(watch.inState('waiting'), (await watch.list('waiting')).conversations);
  await client.post(talk, 'Hello?');
  await untilTold(watch, business);
  t.same(watch.odd, []);
});
