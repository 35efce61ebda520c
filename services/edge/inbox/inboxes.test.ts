import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { BusinessSignal, InboxStep } from '../../../shared/contracts/business-signals.ts';
import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import type { StoreOps } from '../../../shared/contracts/store-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { Client } from '../stage/client.ts';
import { setStage } from '../stage/edge-stage.ts';
import { inboxStep } from '../stage/inbox-step.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
const store = await stage.busOf('store');
const profiles = await stage.busOf('profiles');
t.teardown(() => stage.close());

/** Store knows of these inboxes. A head waits for `isHeld`, or fails while store is `away`. */
type Inbox = InboxHead & { newest?: InboxStep; heads: number; away?: true; held?: Promise<void> };
const inboxes = new Map<BusinessId, Inbox>();
let namesWait: Promise<void> | undefined;
let namesAsked = 0;

serve('inbox.head', async ({ business_id, user_ids }) => {
  const inbox = inboxes.get(business_id) as Inbox;
  inbox.heads += 1;
  const { version, waiting, assigned, mine } = inbox;
  const known = Object.entries(inbox.roles).filter(([id]) => user_ids.includes(id as UserId));
  await inbox.held;
  if (inbox.away) throw new KahaError('DATABASE_UNAVAILABLE', 'away');
  return { version, waiting, assigned, mine, roles: Object.fromEntries(known) };
});
serve('inbox.newest', async ({ business_id }) => {
  const { version, newest } = inboxes.get(business_id) as Inbox;
  return { version, ...(newest !== undefined && { step: newest }) };
});
profiles.serve({ subject: subjects.profiles('get'), concurrencyMax: 99 }, async () => {
  namesAsked += 1;
  await namesWait;
  return { users: [], businesses: [] };
});
await Promise.all([store.nc.flush(), profiles.nc.flush()]);

function serve<Op extends keyof StoreOps>(
  op: Op,
  handle: (request: StoreOps[Op][0]) => Promise<StoreOps[Op][1]>,
): void {
  const options = { subject: subjects.store(op), queue: 'store', concurrencyMax: 99 };
  store.serve(options, (body) => handle(body as StoreOps[Op][0]));
}

/** Makes an inbox with a manager and an agent, which store counts for the test. */
function newInbox() {
  const business = newId<BusinessId>();
  const [boss, ann] = [newId<UserId>(), newId<UserId>()];
  const inbox: Inbox = {
    version: 0,
    waiting: 0,
    assigned: 0,
    mine: {},
    roles: { [boss]: 'manager', [ann]: 'agent' },
    heads: 0,
  };
  inboxes.set(business, inbox);
  return { business, boss, ann, inbox };
}

function publish(business: BusinessId, signal: BusinessSignal): void {
  router.bus.publish(subjects.business(business), JSON.stringify(signal));
}

/** Store has the step, and the router tells of it unless it is lost. */
function step(business: BusinessId, rest: Partial<InboxStep> = {}, isLost = false): InboxStep {
  const inbox = inboxes.get(business) as Inbox;
  inbox.version += 1;
  const taken = inboxStep(business, inbox.version, rest);
  inbox.newest = taken;
  if (!isLost) publish(business, { kind: 'step', ...taken });
  return taken;
}

const has = (agent: UserId): InboxStep['after'] => ({
  ...{ state: 'assigned', customer_id: newId<UserId>() },
  ...{ assignee_id: agent, last_agent_id: agent },
});

async function watch(client: Client, business: BusinessId) {
  return client.ask({ type: 'inbox_watch', business_id: business });
}

async function watching(userId: UserId, business: BusinessId): Promise<Client> {
  const client = await stage.open(edge, userId);
  const answer = await watch(client, business);
  if (answer.type !== 'reply') throw new Error(JSON.stringify(answer));
  return client;
}

/** Takes the events up to one of this version, and leaves counts out. */
async function steps(client: Client, version: number): Promise<unknown[][]> {
  const told: unknown[][] = [];
  for (;;) {
    const event = await client.next('inbox');
    if (event.counts !== undefined) continue;
    const { change, conversation_id, conversation } = event;
    const sight = [conversation_id !== undefined, conversation !== undefined];
    told.push([event.version, change, ...sight]);
    if (event.version === version) return told;
  }
}

t.test('watchers hear of each step in its order, as much as each may know', async (t) => {
  const { business, boss, ann, inbox } = newInbox();
  const [manager, agent] = [await watching(boss, business), await watching(ann, business)];
  step(business, { change: 'added' });
  step(business, { change: 'assigned', before: waitingOf(), after: has(boss) });
  step(business, { change: 'updated', before: has(boss), after: has(boss) });
  inbox.assigned = 1;
  t.same(await steps(manager, 3), [
    [1, 'added', true, true],
    [2, 'assigned', true, true],
    [3, 'updated', true, true],
  ]);
  t.same(await steps(agent, 3), [
    [1, 'added', true, true],
    [2, 'assigned', true, false],
    [3, undefined, false, false],
  ]);
});

function waitingOf(): InboxStep['before'] {
  return { state: 'waiting', customer_id: newId<UserId>() };
}

t.test('counts follow the step of their version, and each gets their own', async (t) => {
  const { business, boss, ann, inbox } = newInbox();
  Object.assign(inbox, { waiting: 2, assigned: 1, mine: { [ann]: 1 }, version: 4 });
  const agent = await stage.open(edge, ann);
  const counts = { waiting: 2, assigned: 1, mine: 1 };
  t.same((await watch(agent, business)).data, { version: 4, counts });
  const manager = await watching(boss, business);
  step(business);
  inbox.waiting = 3;
  for (const [client, mine] of [
    [manager, 0],
    [agent, 1],
  ] as const) {
    t.equal((await client.next('inbox')).version, 5);
    const told = await client.next('inbox');
    t.match(told, { version: 5, counts: { waiting: 3, assigned: 1, mine } });
    t.notHas(told, 'change');
  }
});

t.test('strangers, a 21st inbox and what is no id are refused', async (t) => {
  const { business, ann } = newInbox();
  const stranger = await stage.open(edge, newId<UserId>());
  t.match(await watch(stranger, business), { error: { code: 'FORBIDDEN' } });
  const odd = await watch(stranger, 'x' as BusinessId);
  t.match(odd, { error: { code: 'INVALID_REQUEST' } });
  const agent = await watching(ann, business);
  const others = Array.from({ length: 20 }, () => newInbox());
  for (const { inbox } of others) inbox.roles[ann] = 'agent';
  for (const other of others.slice(0, 19)) {
    t.equal((await watch(agent, other.business)).type, 'reply');
  }
  const last = (others[19] as { business: BusinessId }).business;
  t.match(await watch(agent, last), { error: { code: 'INVALID_REQUEST' } });
  t.equal((await watch(agent, business)).type, 'reply', 'one that is watched is no other');
  const unwatched = await agent.ask({ type: 'inbox_unwatch', business_id: business });
  t.same(unwatched.data, {});
  t.same((await agent.ask({ type: 'inbox_unwatch', business_id: business })).data, {});
  t.equal((await watch(agent, last)).type, 'reply');
  step(business);
  step(last);
  t.equal((await agent.next('inbox')).business_id, last, 'nothing comes of the one before');
});

t.test('steps that overtake each other are told in their order', async (t) => {
  const { business, ann, inbox } = newInbox();
  const agent = await watching(ann, business);
  const lost = [step(business, {}, true), step(business, {}, true)];
  step(business);
  for (const late of lost.reverse()) publish(business, { kind: 'step', ...late });
  const told = await steps(agent, 3);
  t.same(
    told.map(([version]) => version),
    [1, 2, 3],
  );
  t.ok(inbox.heads > 0);
});

t.test('a lost step in between is a gap, and the one behind it comes in time', async (t) => {
  const { business, ann } = newInbox();
  const agent = await watching(ann, business);
  step(business);
  step(business, {}, true);
  step(business);
  t.same(
    (await steps(agent, 3)).map(([version]) => version),
    [1, 3],
  );
});

t.test('a lost step that nothing follows is told once somebody reads the inbox', async (t) => {
  const { business, boss, ann } = newInbox();
  const agent = await watching(ann, business);
  const lost = step(business, { change: 'released' }, true);
  const manager = await watching(boss, business);
  const event = await agent.next('inbox');
  t.match(event, { version: 1, change: 'released', conversation_id: lost.conversation_id });
  step(business);
  t.equal((await manager.next('inbox')).version, 2, 'who came later knows the first one');
});

t.test('several lost steps that nothing follows are a gap at the last version', async (t) => {
  const { business, boss, ann } = newInbox();
  const agent = await watching(ann, business);
  for (let count = 0; count < 3; count += 1) step(business, {}, true);
  await watching(boss, business);
  t.same(await steps(agent, 3), [[3, undefined, false, false]]);
});

t.test('a removed agent hears of nothing that happens after the removal', async (t) => {
  const { business, boss, ann, inbox } = newInbox();
  const [manager, agent] = [await watching(boss, business), await watching(ann, business)];
  step(business);
  t.equal((await agent.next('inbox')).version, 1);
  delete inbox.roles[ann];
  let open = (): void => undefined;
  inbox.held = new Promise((resolve) => {
    open = resolve;
  });
  publish(business, { kind: 'agents' });
  step(business, { change: 'released', before: has(ann), after: waitingOf() });
  const asked = inbox.heads;
  await until('the roles are asked for', () => inbox.heads > asked);
  open();
  t.same((await steps(manager, 2)).at(-1), [2, 'released', true, true]);
  step(business);
  await steps(manager, 3);
  t.same((await agent.ask({ type: 'ping' })).type, 'pong');
  t.same(
    agent.frames.filter(({ type, version }) => type === 'inbox' && version !== 1),
    [],
  );
  t.match(await watch(agent, business), { error: { code: 'FORBIDDEN' } });
});

t.test('a demoted manager hears as much as an agent from then on', async (t) => {
  const { business, boss, ann, inbox } = newInbox();
  const manager = await watching(boss, business);
  step(business, { before: has(ann), after: has(ann) });
  t.match(await manager.next('inbox'), { conversation: {} });
  inbox.roles[boss] = 'agent';
  publish(business, { kind: 'agents' });
  step(business, { before: has(ann), after: has(ann) });
  t.same((await steps(manager, 2)).at(-1), [2, undefined, false, false]);
});

t.test('steps wait while nobody knows who may hear of them', async (t) => {
  const { business, ann, inbox } = newInbox();
  const agent = await watching(ann, business);
  inbox.away = true;
  publish(business, { kind: 'agents' });
  step(business);
  const asked = inbox.heads;
  await until('the roles are asked for again', () => inbox.heads > asked + 1);
  t.same(
    agent.frames.filter(({ type }) => type === 'inbox'),
    [],
  );
  delete inbox.away;
  t.equal((await agent.next('inbox')).version, 1);
});

t.test('a watch that store cannot answer is refused, and can be tried again', async (t) => {
  const { business, ann, inbox } = newInbox();
  inbox.away = true;
  const agent = await stage.open(edge, ann);
  t.match(await watch(agent, business), { error: { code: 'DATABASE_UNAVAILABLE' } });
  delete inbox.away;
  t.equal((await watch(agent, business)).type, 'reply');
});

t.test('events wait for names, and keep their order', async (t) => {
  const { business, ann } = newInbox();
  const agent = await watching(ann, business);
  const asked = namesAsked;
  let open = (): void => undefined;
  namesWait = new Promise((resolve) => {
    open = resolve;
  });
  step(business);
  step(business, { before: has(newId()), after: has(newId()) });
  await until('names are asked for', () => namesAsked > asked);
  t.same((await agent.ask({ type: 'ping' })).type, 'pong');
  t.same(
    agent.frames.filter(({ type }) => type === 'inbox'),
    [],
  );
  open();
  namesWait = undefined;
  const told = await steps(agent, 2);
  t.same(told, [
    [1, 'added', true, true],
    [2, undefined, false, false],
  ]);
});

t.test('a signal that is broken hurts no other', async (t) => {
  const { business, ann } = newInbox();
  const agent = await watching(ann, business);
  router.bus.publish(subjects.business(business), 'no JSON');
  publish(business, { kind: 'availability' });
  step(business);
  t.equal((await agent.next('inbox')).version, 1);
});
