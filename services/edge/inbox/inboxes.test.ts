import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { InboxStep } from '../../../shared/contracts/business-signals.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { Client } from '../stage/client.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { inboxStep } from '../stage/inbox-step.ts';
import { connectRaw, type RawClient } from '../stage/raw-client.ts';
import { ScriptedInboxes } from '../stage/scripted-inboxes.ts';

const stage = await setStage();
const router = await stage.startRouter();
router.script.delivered = () => ({});
const edge = await stage.startEdge();
const store = await stage.busOf('store');
const profiles = await stage.busOf('profiles');
t.teardown(() => stage.close());

const scripted = new ScriptedInboxes(store, router.bus);
let namesWait: Promise<void> | undefined;
let namesAsked = 0;
profiles.serve({ subject: subjects.profiles('get'), concurrencyMax: 99 }, async () => {
  namesAsked += 1;
  await namesWait;
  return { users: [], businesses: [] };
});
await Promise.all([store.nc.flush(), profiles.nc.flush()]);

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
  const { business, boss, ann, inbox } = scripted.open();
  const [manager, agent] = [await watching(boss, business), await watching(ann, business)];
  scripted.step(business, { change: 'added' });
  scripted.step(business, { change: 'assigned', before: waitingOf(), after: has(boss) });
  scripted.step(business, { change: 'updated', before: has(boss), after: has(boss) });
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
  const { business, boss, ann, inbox } = scripted.open();
  Object.assign(inbox, { waiting: 2, assigned: 1, mine: { [ann]: 1 }, version: 4 });
  const agent = await stage.open(edge, ann);
  const counts = { waiting: 2, assigned: 1, mine: 1 };
  t.same((await watch(agent, business)).data, { version: 4, counts });
  const manager = await watching(boss, business);
  scripted.step(business);
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
  const { business, ann } = scripted.open();
  const stranger = await stage.open(edge, newId<UserId>());
  t.match(await watch(stranger, business), { error: { code: 'FORBIDDEN' } });
  const odd = await watch(stranger, 'x' as BusinessId);
  t.match(odd, { error: { code: 'INVALID_REQUEST' } });
  const agent = await watching(ann, business);
  const others = Array.from({ length: 20 }, () => scripted.open());
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
  scripted.step(business);
  scripted.step(last);
  t.equal((await agent.next('inbox')).business_id, last, 'nothing comes of the one before');
});

t.test('steps that overtake each other are told in their order', async (t) => {
  const { business, ann, inbox } = scripted.open();
  const agent = await watching(ann, business);
  const lost = [scripted.lose(business), scripted.lose(business)];
  scripted.step(business);
  for (const late of lost.reverse()) scripted.tell(business, { kind: 'step', ...late });
  const told = await steps(agent, 3);
  t.same(
    told.map(([version]) => version),
    [1, 2, 3],
  );
  t.ok(inbox.heads > 0);
});

t.test('a lost step in between is a gap, and the one behind it comes in time', async (t) => {
  const { business, ann } = scripted.open();
  const agent = await watching(ann, business);
  scripted.step(business);
  scripted.lose(business);
  scripted.step(business);
  t.same(
    (await steps(agent, 3)).map(([version]) => version),
    [1, 3],
  );
});

t.test('a lost step that nothing follows is told once somebody reads the inbox', async (t) => {
  const { business, boss, ann } = scripted.open();
  const agent = await watching(ann, business);
  const lost = scripted.lose(business, { change: 'released' });
  const manager = await watching(boss, business);
  const event = await agent.next('inbox');
  t.match(event, { version: 1, change: 'released', conversation_id: lost.conversation_id });
  scripted.step(business);
  t.equal((await manager.next('inbox')).version, 2, 'who came later knows the first one');
});

t.test('several lost steps that nothing follows are a gap at the last version', async (t) => {
  const { business, boss, ann } = scripted.open();
  const agent = await watching(ann, business);
  for (let count = 0; count < 3; count += 1) scripted.lose(business);
  await watching(boss, business);
  t.same(await steps(agent, 3), [[3, undefined, false, false]]);
});

t.test('a removed agent hears of nothing that happens after the removal', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const [manager, agent] = [await watching(boss, business), await watching(ann, business)];
  scripted.step(business);
  t.equal((await agent.next('inbox')).version, 1);
  delete inbox.roles[ann];
  let open = (): void => undefined;
  inbox.held = new Promise((resolve) => {
    open = resolve;
  });
  scripted.tell(business, { kind: 'agents' });
  scripted.step(business, { change: 'released', before: has(ann), after: waitingOf() });
  const asked = inbox.heads;
  await until('the roles are asked for', () => inbox.heads > asked);
  open();
  t.same((await steps(manager, 2)).at(-1), [2, 'released', true, true]);
  scripted.step(business);
  await steps(manager, 3);
  t.same((await agent.ask({ type: 'ping' })).type, 'pong');
  t.same(
    agent.frames.filter(({ type, version }) => type === 'inbox' && version !== 1),
    [],
  );
  t.match(await watch(agent, business), { error: { code: 'FORBIDDEN' } });
});

t.test('a removed agent does not hear that what they had waits again', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const [manager, agent] = [await watching(boss, business), await watching(ann, business)];
  delete inbox.roles[ann];
  scripted.step(business, { change: 'released', before: has(ann), after: waitingOf() });
  scripted.tell(business, { kind: 'agents' });
  t.same(await steps(manager, 1), [[1, 'released', true, true]]);
  t.equal((await agent.ask({ type: 'ping' })).type, 'pong');
  t.same(
    agent.frames.filter(({ type }) => type === 'inbox'),
    [],
  );
});

t.test('a demoted manager hears as much as an agent from then on', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const manager = await watching(boss, business);
  scripted.step(business, { before: has(ann), after: has(ann) });
  t.match(await manager.next('inbox'), { conversation: {} });
  inbox.roles[boss] = 'agent';
  scripted.tell(business, { kind: 'agents' });
  scripted.step(business, { before: has(ann), after: has(ann) });
  t.same((await steps(manager, 2)).at(-1), [2, undefined, false, false]);
});

t.test('a demoted manager hears no more than an agent although nothing says so', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const manager = await watching(boss, business);
  inbox.roles[boss] = 'agent';
  // The signal of the change is lost, or the step of another router has overtaken it.
  scripted.step(business, { before: has(ann), after: has(ann) });
  t.same(await steps(manager, 1), [[1, undefined, false, false]]);
});

t.test('a removed agent hears nothing of the next step although nothing says so', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const [manager, agent] = [await watching(boss, business), await watching(ann, business)];
  delete inbox.roles[ann];
  scripted.step(business);
  await steps(manager, 1);
  t.equal((await agent.ask({ type: 'ping' })).type, 'pong');
  t.same(
    agent.frames.filter(({ type }) => type === 'inbox'),
    [],
  );
});

t.test('a step that store has not read the roles for waits for them', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const manager = await watching(boss, business);
  let open = (): void => undefined;
  inbox.held = new Promise((resolve) => {
    open = resolve;
  });
  const asked = inbox.heads;
  scripted.tell(business, { kind: 'agents' });
  await until('a head is read', () => inbox.heads > asked);
  // This head knows neither of the change nor of the step.
  inbox.roles[boss] = 'agent';
  scripted.step(business, { before: has(ann), after: has(ann) });
  open();
  t.same(await steps(manager, 1), [[1, undefined, false, false]]);
});

t.test('watchers hear of each step while more come faster than a head is read', async (t) => {
  const { business, boss, inbox } = scripted.open();
  const manager = await watching(boss, business);
  let told = 0;
  const versions = async (): Promise<void> => {
    while (told < 20) if ((await manager.next('inbox')).counts === undefined) told += 1;
  };
  const hearing = versions();
  for (let count = 0; told < 20 && count < 200; count += 1) {
    inbox.held = delay(120);
    scripted.step(business, { change: 'released', before: has(boss), after: waitingOf() });
    scripted.tell(business, { kind: 'agents' });
    await delay(50);
  }
  t.equal(told, 20, 'they did not wait for the end');
  await hearing;
});

t.test('steps wait while nobody knows who may hear of them', async (t) => {
  const { business, ann, inbox } = scripted.open();
  const agent = await watching(ann, business);
  inbox.isAway = true;
  scripted.tell(business, { kind: 'agents' });
  scripted.step(business);
  const asked = inbox.heads;
  await until('the roles are asked for again', () => inbox.heads > asked + 1);
  t.same(
    agent.frames.filter(({ type }) => type === 'inbox'),
    [],
  );
  inbox.isAway = false;
  t.equal((await agent.next('inbox')).version, 1);
});

t.test('a watch that store cannot answer is refused, and can be tried again', async (t) => {
  const { business, ann, inbox } = scripted.open();
  inbox.isAway = true;
  const agent = await stage.open(edge, ann);
  t.match(await watch(agent, business), { error: { code: 'DATABASE_UNAVAILABLE' } });
  inbox.isAway = false;
  t.equal((await watch(agent, business)).type, 'reply');
});

t.test('events wait for names, and keep their order', async (t) => {
  const { business, ann } = scripted.open();
  const agent = await watching(ann, business);
  const asked = namesAsked;
  let open = (): void => undefined;
  namesWait = new Promise((resolve) => {
    open = resolve;
  });
  scripted.step(business);
  scripted.step(business, { before: has(newId()), after: has(newId()) });
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
  const { business, ann } = scripted.open();
  const agent = await watching(ann, business);
  router.bus.publish(subjects.business(business), 'no JSON');
  scripted.tell(business, { kind: 'availability' });
  scripted.step(business);
  t.equal((await agent.next('inbox')).version, 1);
});

/** Reads frames until one of this version has come without a change: it tells counts, or a gap. */
async function lastOf(
  client: RawClient,
  version: number,
): Promise<{ inbox: number[]; last: object }> {
  const inbox: number[] = [];
  for (;;) {
    const frame = JSON.parse(await client.text());
    if (frame.type !== 'inbox') continue;
    if (frame.counts === undefined) inbox.push(frame.version);
    else if (frame.version === version) return { inbox, last: frame };
  }
}

t.test('a client that reads slowly misses steps, sees a gap, and keeps its socket', async (t) => {
  const { business, boss, ann, inbox } = scripted.open();
  const manager = await watching(boss, business);
  const headers = { authorization: `Bearer ${await tokenOf(ann)}`, 'x-device-id': 'phone' };
  const slow = await connectRaw(edge.port, headers);
  slow.send({ type: 'inbox_watch', id: 1, business_id: business });
  while (JSON.parse(await slow.text()).type !== 'reply');
  slow.socket.pause();
  let told = 0;
  const description = 'x'.repeat(8_000);
  for (let count = 0; count < 1_000; count += 1) {
    const { record } = inboxStep(business, 1);
    scripted.step(business, { record: { ...record, description } });
    if (count % 50 === 49) told += (await steps(manager, count + 1)).length;
  }
  t.equal(told, 1_000, 'the others hear of every step');
  inbox.waiting = 1_000;
  slow.socket.resume();
  const { inbox: versions, last } = await lastOf(slow, 1_000);
  t.match(last, { version: 1_000, counts: { waiting: 1_000, assigned: 0, mine: 0 } });
  t.same(
    versions,
    [...new Set(versions)].sort((one, other) => one - other),
  );
  t.ok(versions.length < 1_000);
  t.equal(versions.at(-1), 1_000);
  scripted.step(business);
  while (JSON.parse(await slow.text()).version !== 1_001);
  slow.socket.destroy();
});
