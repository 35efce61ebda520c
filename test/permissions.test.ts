import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { newId } from '../shared/ids.ts';
import { castOf } from './permissions/cast.ts';
import { Hearing } from './permissions/hearing.ts';
import { OPERATIONS } from './permissions/operations.ts';
import { PLACES } from './permissions/steps.ts';
import type { Operation, Target } from './permissions/target.ts';
import { type Business, type Message, secretsOf, World } from './permissions/world.ts';
import { askAsService, makeBusiness, NEVER_OPEN } from './stage/business.ts';
import type { Client } from './stage/client.ts';
import { type Person, setStack } from './stage/stack.ts';

const TRIPLES = isSoak ? 10_000 : 1_000;
const PEOPLE = 16;
const GROUPS = 10;
const DIRECTS = 10;
const BUSINESSES = 4;
/** Each business has a conversation with this many customers from the start. */
const CUSTOMERS = 3;
/** A business begins with this many managers, and as many agents. */
const STAFF = 4;
/** This percentage of ids names nothing. */
const NOWHERE_PERCENT = 3;
/**
 * Only this percentage of the `create` operations is carried out. A few created conversations are
 * enough.
 */
const CREATE_PERCENT = 20;
/** This percentage of messages belongs to the conversation of the target. */
const SAME_PERCENT = 75;
const TRIES = 8;
const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
/** Anybody may read these, without a token. */
const DOCUMENTS = ['/openapi.json', '/asyncapi.json', '/docs', '/docs/socket'];
/** These frames concern nobody but their own session. */
const OWN_FRAMES = ['auth', 'ack', 'ping', 'presence_unwatch', 'inbox_unwatch'];
/** Within a second, a watcher is told who is a stranger now. The test allows twice that. */
const NOTICED_MS = 2_000;

type Direction = { action: 'receive' | 'send' };
type Outcome = { code: string; body: Record<string, unknown>; text: string };

const system = await setStack(t, { edges: 2, routers: 2, stores: 1 });
const people: Person[] = await system.people(PEOPLE);
const world = new World(people.map(({ id }) => id));
const hearings = new Map<string, Hearing>();
const clients = new Map<string, Client>();
const operations = await available();
let secrets = 0;

for (const [index, person] of people.entries()) {
  const hearing = new Hearing(world, person.id);
  hearings.set(person.id, hearing);
  const onFrame = hearing.hear.bind(hearing);
  clients.set(person.id, await system.connectNew(person, { edge: 1 + (index % 2), onFrame }));
}

function pick<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)] as Item;
}

/** Returns the operations that the running system documents. */
async function available(): Promise<Operation[]> {
  const { body: rest } = await system.rest('GET', '/openapi.json');
  const { body: socket } = await system.rest('GET', '/asyncapi.json');
  const frames = Object.keys(socket.operations as object);
  const paths = Object.keys(rest.paths as object);
  return OPERATIONS.filter(({ name }) => {
    if (name === 'typing') return frames.includes('typing');
    return name !== 'presence' || paths.includes('/presence');
  });
}

function newSecret(): string {
  secrets += 1;
  return `secret-${secrets}`;
}

function isIn(percent: number): boolean {
  return randomInt(100) < percent;
}

/**
 * Returns a random target. The user may have any standing in the conversation, or towards the
 * message.
 */
function newTarget(): Target {
  const conversation = pick([...world.conversations.values()]);
  const { said } = conversation;
  const isSame = said.length > 0 && isIn(SAME_PERCENT);
  const message = pick(isSame ? said : [...world.messages.values()]);
  const isNowhere = isIn(NOWHERE_PERCENT);
  const isLost = isIn(NOWHERE_PERCENT);
  const cast = castOf(world, conversation);
  const [businessId, business] = pick([...world.businesses]);
  return {
    world,
    userId: pick(pick(isIn(50) ? cast : castOf(world, message.conversation, message))),
    conversationId: isNowhere ? newId<string>() : conversation.id,
    conversation: isNowhere ? undefined : conversation,
    messageId: isLost ? newId<string>() : message.id,
    message: isLost ? undefined : message,
    businessId: isNowhere ? newId<string>() : businessId,
    business: isNowhere ? undefined : business,
    otherId: pick(pick(cast)),
    secret: newSecret(),
    clientMsgId: newId<string>(),
    isOdd: isIn(50),
  };
}

async function carryOut(operation: Operation, target: Target): Promise<Outcome> {
  const isRest = operation.frame === undefined || (operation.rest !== undefined && target.isOdd);
  for (let tries = 1; ; tries += 1) {
    const outcome = await (isRest ? byRest(operation, target) : byFrame(operation, target));
    if (outcome.code !== 'RATE_LIMITED' || tries === TRIES) return outcome;
    const error = outcome.body.error as { retry_after?: number };
    await delay(1_000 * (error.retry_after ?? 1));
  }
}

async function byRest(operation: Operation, target: Target): Promise<Outcome> {
  const { method, path, body } = (operation.rest as NonNullable<Operation['rest']>)(target);
  const { token } = people.find(({ id }) => id === target.userId) as Person;
  const edge = 1 + randomInt(2);
  const answer = await system.rest(method, `/api/v1${path}`, { token, body, edge });
  const { error } = answer.body;
  const code = error?.code ?? (answer.status < 300 ? 'ok' : String(answer.status));
  return { code, body: answer.body, text: JSON.stringify(answer.body) };
}

async function byFrame(operation: Operation, target: Target): Promise<Outcome> {
  const frame = (operation.frame as NonNullable<Operation['frame']>)(target);
  const { data, error, ...rest } = await (clients.get(target.userId) as Client).ask(frame);
  const body = data ?? { error };
  return { code: error?.code ?? 'ok', body, text: JSON.stringify({ ...rest, ...body }) };
}

/**
 * Resolves with true if presence is answered as it must be. All users are online, but the answer
 * must not say so of a user who shares no conversation with the caller now.
 */
async function isPresenceRight(on: Operation, target: Target, first: string): Promise<boolean> {
  const { userId, otherId } = target;
  if (userId === otherId) return true;
  const status = world.share(userId, otherId) ? '"online"' : '"unknown"';
  const end = Date.now() + NOTICED_MS;
  for (let text = first; ; text = (await carryOut(on, target)).text) {
    if (text.includes(status)) return true;
    if (Date.now() > end) return false;
    await delay(NOTICED_MS / 20);
  }
}

/** Returns what was wrong with the answer to one triple. */
async function judge(operation: Operation, target: Target): Promise<string[]> {
  const expected = operation.expect(target);
  const { code, body, text } = await carryOut(operation, target);
  if (code === 'ok') operation.done?.(target, body);
  const asked = [target.otherId, target.conversationId, target.messageId];
  const found = secretsOf(text);
  // A presence answer names only ids that the user asked for.
  if (operation.tellsPresence) for (const id of asked) found.delete(id);
  const problems = world
    .leaks(target.userId, found, { isAnswer: true })
    .map((secret) => `leaks ${secret}`);
  if (code !== expected) problems.push(`${code} instead of ${expected}: ${text.slice(0, 300)}`);
  if (operation.tellsPresence && !(await isPresenceRight(operation, target, text))) {
    problems.push(`of a stranger, or not of another: ${text.slice(0, 300)}`);
  }
  return problems.map((problem) => `${operation.name}: ${problem}`);
}

const named = (name: string): Operation =>
  OPERATIONS.find((operation) => operation.name === name) as Operation;

t.test('every documented operation has a row in the table of what is tried', async (t) => {
  const { body: rest } = await system.rest('GET', '/openapi.json');
  const { body: socket } = await system.rest('GET', '/asyncapi.json');
  const ids = {
    ...{ userId: newId<string>(), messageId: newId<string>(), otherId: newId<string>() },
    businessId: newId<string>(),
  };
  const targets = [true, false].map((isOdd) => ({ ...newTargetOf(newId()), ...ids, isOdd }));
  const calls = targets.flatMap((on) => operations.flatMap((row) => row.rest?.(on) ?? []));
  const tried = calls.map(({ method, path }) => `${method} ${path.split('?')[0]}`);
  for (const [path, item] of Object.entries(rest.paths as Record<string, object>)) {
    if (DOCUMENTS.includes(path)) continue;
    const pattern = path.replaceAll(/\{[^}]+\}/g, '[^/]+');
    for (const method of Object.keys(item).filter((key) => METHODS.includes(key))) {
      const call = new RegExp(`^${method.toUpperCase()} ${pattern}$`);
      t.ok(
        tried.some((one) => call.test(one)),
        `${method} ${path}`,
      );
    }
  }
  const types = targets.flatMap((on) => operations.flatMap((row) => row.frame?.(on).type ?? []));
  for (const [type, { action }] of Object.entries(socket.operations as Record<string, Direction>)) {
    if (action === 'receive') t.ok([...types, ...OWN_FRAMES].includes(type), type);
  }
});

t.test('the world of people and conversations is created', async (t) => {
  for (let made = 0; made < GROUPS + DIRECTS; made += 1) {
    const [maker, ...others] = [...people].sort(() => randomInt(3) - 1);
    const isGroup = made < GROUPS;
    const some = (others as Person[]).slice(0, isGroup ? 2 + randomInt(4) : 1);
    const everybody = [maker as Person, ...some];
    const type = isGroup ? 'group' : 'direct';
    const userIds = some.map(({ id }) => id);
    const body = { type, participant_ids: userIds };
    const { token, id: makerId } = maker as Person;
    const answer = await system.rest('POST', '/api/v1/conversations', { token, body });
    const id = String(answer.body.conversation_id);
    const conversation = world.made({ id, type, makerId, userIds });
    for (const { id: userId } of everybody) {
      const target = { ...newTargetOf(id), userId, conversation };
      t.same(await judge(named('send'), target), []);
    }
    if (!isGroup) continue;
    // From the start each group has one participant who joined too late to see the message that is
    // replied to, and one who was removed.
    const message = conversation.said[0] as Message;
    const known = { conversation, message, messageId: message.id };
    const target = { ...newTargetOf(id), ...known, userId: makerId };
    const [out, late] = [userIds[0] as string, (others.at(-1) as Person).id];
    t.same(await judge(named('add'), { ...target, otherId: late }), []);
    t.same(await judge(named('remove'), { ...target, otherId: out }), []);
    t.same(await judge(named('reply'), target), []);
  }
});

function newTargetOf(conversationId: string): Target {
  const [userId, messageId, otherId, businessId] = ['', '', '', ''];
  const secret = newSecret();
  const clientMsgId = newId<string>();
  const [conversation, message, business] = [undefined, undefined, undefined];
  const ids = { world, userId, messageId, otherId, conversationId, businessId };
  return { ...ids, conversation, message, business, secret, clientMsgId, isOdd: false };
}

t.test('the world has businesses, and customers who write to them', async (t) => {
  for (let made = 0; made < BUSINESSES; made += 1) {
    const all = [...people].sort(() => randomInt(3) - 1);
    const [managers, agents] = [all.slice(0, STAFF), all.slice(STAFF, 2 * STAFF)];
    const others = all.slice(2 * STAFF);
    const id = await makeBusiness(system, { managers, agents });
    const business: Business = new Map();
    for (const person of managers) business.set(person.id, 'manager');
    for (const person of agents) business.set(person.id, 'agent');
    world.businesses.set(id, business);
    const settings = { ...NEVER_OPEN, capacity: PLACES };
    await askAsService(system, `PUT /businesses/${id}`, settings);
    for (const { id: customerId } of others.slice(0, CUSTOMERS)) {
      const target = { ...newTargetOf(''), userId: customerId, businessId: id, business };
      t.same(await judge(named('open'), target), []);
    }
  }
  for (const conversation of world.conversations.values()) {
    const { desk, id } = conversation;
    if (desk === undefined) continue;
    const target = { ...newTargetOf(id), userId: desk.customerId, conversation };
    t.same(await judge(named('send'), target), []);
    const agents = [...(world.businesses.get(desk.businessId) as Business).keys()];
    // Some wait from the start, some are with an agent, and some have had two.
    for (const userId of agents.filter(() => isIn(30))) {
      for (const step of ['take', 'close', 'reopen']) {
        t.same(await judge(named(step), { ...newTargetOf(id), userId, conversation }), []);
      }
    }
  }
});

t.test(`${TRIPLES} random triples (user, operation, id) get the right answer`, async (t) => {
  const codes = new Map<string, number>();
  const problems: string[] = [];
  for (let done = 0; done < TRIPLES; done += 1) {
    const operation = pick(operations);
    if (operation.name === 'create' && randomInt(100) >= CREATE_PERCENT) continue;
    const target = newTarget();
    const expected = operation.expect(target);
    codes.set(expected, (codes.get(expected) ?? 0) + 1);
    problems.push(...(await judge(operation, target)));
  }
  t.same(problems, []);
  for (const code of ['ok', 'NOT_A_PARTICIPANT', 'MESSAGE_NOT_FOUND', 'FORBIDDEN']) {
    t.ok((codes.get(code) ?? 0) > TRIPLES / 100, `${code}: ${codes.get(code)}`);
  }
});

t.test('no event told a user anything that they must not know', async (t) => {
  await Promise.all([...clients.values()].map((client) => client.settled()));
  const rows = await system.sql<{ message_id: string; conversation_id: string; seq: string }>(
    'select message_id, conversation_id, seq from messages',
  );
  for (const { message_id, conversation_id, seq } of rows) {
    const conversation = world.conversations.get(conversation_id);
    if (conversation === undefined) t.fail('a conversation that nobody made');
    else world.guard(message_id, { conversation, seq: Number(seq) });
  }
  for (const [userId, hearing] of hearings) {
    t.ok(hearing.secrets.size > 0);
    const leaks = world.leaks(userId, hearing.secrets.keys(), { isAnswer: false });
    t.same(
      leaks.map((secret) => `${secret} in ${hearing.secrets.get(secret)}`),
      [],
    );
    t.same(hearing.late, [], 'nothing comes after the last event of a conversation');
  }
  const lasts = await system.sql<{ conversation_id: string; last_seq: string }>(
    'select conversation_id, last_seq from conversations',
  );
  const wrong = lasts.filter(
    ({ conversation_id, last_seq }) =>
      world.conversations.get(conversation_id)?.lastSeq !== Number(last_seq),
  );
  t.same(wrong, [], 'the world of the test is the world of the system');
});
