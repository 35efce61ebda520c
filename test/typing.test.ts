import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Answer, Client, Frame } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

const system = await setStack(t, { edges: 2, routers: 2, stores: 1 });

type Typing = Frame & { conversation_id: string; user_id: string; is_typing: boolean };
type Seen = Typing & { atMs: number };

/** Connects a client, and collects its `typing` frames with the time at which they came. */
async function watch(person: Person, edge: number, device = 'phone') {
  const seen: Seen[] = [];
  const onFrame = (frame: Frame): void => {
    if (frame.type === 'typing') seen.push({ ...(frame as Typing), atMs: Date.now() });
  };
  return { client: await system.connectNew(person, { edge, device, onFrame }), seen };
}

async function scene() {
  const [ann, bob, cid] = await system.people(3);
  const conversation = await system.conversation([ann, bob, cid]);
  const a = await watch(ann, 1);
  const b = await watch(bob, 2);
  const c = await watch(cid, 1);
  return { ann, bob, cid, conversation, a, b, c };
}

const type = (client: Client, conversation_id: string, is_typing = true): Promise<Answer> =>
  client.ask({ type: 'typing', conversation_id, is_typing });
const states = (seen: readonly Seen[]): boolean[] => seen.map(({ is_typing }) => is_typing);
const ended = (seen: readonly Seen[]) =>
  until('the typing ends', () => seen.find(({ is_typing }) => !is_typing));

// These tests run side by side, and each has its own people.
t.jobs = 8;
/**
 * A test with these options runs alone after the others, because it kills a process that all use.
 */
const ALONE = { buffered: false };

t.test("typing is told to others on any edge, and not to the typist's own devices", async (t) => {
  const { ann, conversation, a, b, c } = await scene();
  const tablet = await watch(ann, 2, 'tablet');
  t.same((await type(a.client, conversation)).data, {});
  await until('both participants are told', () => b.seen.length + c.seen.length === 2);
  const event = { type: 'typing', conversation_id: conversation, user_id: ann.id, is_typing: true };
  for (const { seen } of [b, c]) t.match(seen[0], event);
  t.notOk('q' in (b.seen[0] as Seen));
  t.same((await type(a.client, conversation, false)).data, {});
  await ended(c.seen);
  await ended(b.seen);
  t.same(states(b.seen), [true, false]);
  await tablet.client.settled();
  t.same([...a.seen, ...tablet.seen], []);
});

t.test('typing is told once in 2 s, and ends 5 s after its last frame', async (t) => {
  const { conversation, a, b } = await scene();
  for (const _ of numbers(1, 10)) await type(a.client, conversation);
  const lastAt = Date.now();
  const { atMs } = await ended(b.seen);
  t.ok(atMs - lastAt > 4_500 && atMs - lastAt < 5_600, `${atMs - lastAt} ms`);
  t.same(states(b.seen), [true, false]);
});

t.test('quick changes of typing are told no more often, and the last state counts', async (t) => {
  const { conversation, a, b } = await scene();
  const startedAt = Date.now();
  for (const n of numbers(1, 9)) await type(a.client, conversation, n % 2 === 1);
  await until(
    'the typing is told again',
    () => b.seen.filter(({ is_typing }) => is_typing).length === 2,
  );
  t.same(states(b.seen), [true, false, true]);
  // The time runs from before the first state: how late that one came says nothing of the router.
  const [, , second] = b.seen as [Seen, Seen, Seen];
  t.ok(second.atMs - startedAt > 1_900, `${second.atMs - startedAt} ms`);
  await until('the typing ends', () => states(b.seen).length === 4);
  t.equal(states(b.seen)[3], false);
});

t.test('a send by socket or by REST ends typing', async (t) => {
  const { ann, conversation, a, b } = await scene();
  await type(a.client, conversation);
  await until('the typing is told', () => b.seen.length === 1);
  const sentAt = Date.now();
  await a.client.post(conversation, 'x');
  const { atMs } = await ended(b.seen);
  t.ok(atMs - sentAt < 2_000);
  b.seen.length = 0;
  await type(a.client, conversation);
  await until('the typing is told after 2 s', () => states(b.seen).includes(true));
  const path = `/api/v1/conversations/${conversation}/messages`;
  const body = { client_msg_id: newId<string>(), content: 'y' };
  const restAt = Date.now();
  t.equal((await system.rest('POST', path, { token: ann.token, body })).status, 201);
  t.ok((await ended(b.seen)).atMs - restAt < 2_000);
});

t.test('the end of the socket ends typing unless another device goes on', async (t) => {
  const { ann, conversation, a, b } = await scene();
  const tablet = await watch(ann, 2, 'tablet');
  await type(a.client, conversation);
  await type(tablet.client, conversation);
  await until('the typing is told', () => b.seen.length === 1);
  await a.client.close();
  await tablet.client.settled();
  t.same(states(b.seen), [true], 'the tablet types');
  const closedAt = Date.now();
  await tablet.client.destroy();
  t.ok((await ended(b.seen)).atMs - closedAt < 2_000);
});

t.test('the end of one device does not end the typing of another device', async (t) => {
  const { ann, conversation, a, b } = await scene();
  const tablet = await watch(ann, 2, 'tablet');
  await type(a.client, conversation);
  await type(tablet.client, conversation);
  await tablet.client.destroy();
  await until('the typing is told again', async () => {
    await type(a.client, conversation);
    return b.seen.length === 2;
  });
  t.same(states(b.seen), [true, true]);
  await type(a.client, conversation, false);
  await ended(b.seen);
});

t.test('one who takes no part is refused, and a former participant hears nothing', async (t) => {
  const { ann, cid, conversation, a, b, c } = await scene();
  const stranger = await system.connectNew(await system.person());
  const codeOf = async (client: Client, id: string) => (await type(client, id)).error?.code;
  t.equal(await codeOf(stranger, conversation), 'NOT_A_PARTICIPANT');
  t.equal(await codeOf(stranger, newId()), 'CONVERSATION_NOT_FOUND');
  t.equal(await codeOf(stranger, 'x'), 'INVALID_REQUEST');
  t.equal((await type(c.client, conversation)).type, 'reply');
  await until('the typing is told', () => b.seen.length === 1);
  const path = `/api/v1/conversations/${conversation}/participants/${cid.id}`;
  const removedAt = Date.now();
  t.equal((await system.rest('DELETE', path, { token: ann.token })).status, 204);
  t.equal(await codeOf(c.client, conversation), 'NOT_A_PARTICIPANT');
  const { atMs } = await ended(b.seen);
  t.ok(atMs - removedAt < 2_000, 'the typing of the removed participant ends at once');
  await type(a.client, conversation);
  await until('the remaining participants are told', () => b.seen.length === 3);
  await c.client.settled();
  t.same(c.seen, []);
});

t.test('typing beyond the rate is dropped without an error', async (t) => {
  const { conversation, a } = await scene();
  const answers = await Promise.all(numbers(1, 250).map(() => type(a.client, conversation)));
  t.ok(answers.every(({ type: kind }) => kind === 'reply'));
});

t.test('typing whose router is killed ends once, when its time is over', ALONE, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversations = await Promise.all(
    numbers(1, 8).map(async () => system.conversation([ann, bob, await system.person()])),
  );
  const a = await watch(ann, 1);
  const b = await watch(bob, 2);
  for (const conversation of conversations) await type(a.client, conversation);
  const lastAt = Date.now();
  await until('all typing is told', () => b.seen.length === 8);
  system.stack.kill('router-1');
  await until('all typing ends', () => b.seen.length === 16);
  t.ok(Date.now() - lastAt < 7_000, `${Date.now() - lastAt} ms`);
  const endedIn = b.seen.filter(({ is_typing }) => !is_typing);
  t.same(endedIn.map(({ conversation_id }) => conversation_id).sort(), conversations.sort());
  await system.stack.start('router-1');
});

t.test('typing whose edge is killed ends when its time is over', ALONE, async (t) => {
  const { conversation, a, b } = await scene();
  await type(a.client, conversation);
  const lastAt = Date.now();
  system.stack.kill('edge-1');
  const { atMs } = await ended(b.seen);
  t.ok(atMs - lastAt < 6_000);
  await system.stack.start('edge-1');
});

t.test('typing goes on while the store is away', ALONE, async (t) => {
  const { conversation, a, b } = await scene();
  await type(a.client, conversation);
  await until('the typing is told', () => b.seen.length === 1);
  system.stack.kill('store-1');
  const states = await Promise.all(numbers(1, 3).map(() => type(a.client, conversation)));
  t.ok(states.every(({ type: kind }) => kind === 'reply'));
  await ended(b.seen);
  await system.stack.start('store-1');
});
