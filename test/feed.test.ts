import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import type { FeedEvent } from '../shared/contracts/feed.ts';
import type { Client } from './stage/client.ts';
import { checkFeed, watchFeed } from './stage/feed-watch.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';
import { append, connectAsRouter, itemOf } from './stage/store-bus.ts';
import { startTraffic } from './stage/traffic.ts';

/** The feed tells of each durable event at least once and of no other, whatever dies. */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2, areServersOwn: true });
const feed = await watchFeed(system);
t.teardown(() => feed.end());
const ROUNDS = isSoak ? 20 : 1;
const BETWEEN = 25;

type Who = Pick<Person, 'id'>;
/** A session whose queue was not new takes from it for up to 12 s. */
const LIVE_MS = 30_000;

const recipient = ({ recipients }: FeedEvent, { id }: Who) =>
  recipients.find(({ user_id }) => user_id === id);
const toldOf = (eventId: unknown, kind = 'message') =>
  feed.next((event) => event.event_id === eventId && event.kind === kind);
const late = (eventId: unknown, device: string) =>
  feed.next(
    ({ kind, event_id, recipients }) =>
      kind === 'taken_late' && event_id === eventId && recipients[0]?.taken?.[0] === device,
  );

async function sendOne(from: Client, conversation: string): Promise<string> {
  return (await from.post(conversation, 'a text that no feed shows')).data?.message_id as string;
}

t.test('the feed says of a message who took it, and whose client was in use', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const a = await system.connectNew(ann);
  const phone = await system.connectNew(bob, { edge: 2 });
  const tablet = await system.connectNew(bob, { device: 'tablet' });
  // A new session takes from its queue at first, and its takes are told late.
  const isLive = async () => {
    const told = await toldOf(await sendOne(a, conversation));
    return recipient(told, bob)?.taken?.length === 2 && told;
  };
  const idle = await until('both take what is offered', isLive, LIVE_MS);
  t.same(recipient(idle, bob)?.taken?.slice().sort(), ['phone', 'tablet']);
  t.notHas(recipient(idle, bob), { in_use: true }, 'an ack, a ping and an auth are no use');
  t.same(recipient(idle, ann), { user_id: ann.id, taken: ['phone'], in_use: true });
  await phone.ask({ type: 'typing', conversation_id: conversation, is_typing: true });
  const used = await toldOf(await sendOne(a, conversation));
  t.same(recipient(used, bob)?.in_use, true);
  const seq = (idle.seq ?? 0) + 1;
  const about = { kind: 'message', conversation_id: conversation, seq, sender_id: ann.id };
  t.match(used, { ...about, at: /^\d{4}-.*Z$/ });
  t.notMatch(JSON.stringify(feed.events), /a text|typing|content/);
  await tablet.close();
  const id = await sendOne(a, conversation);
  t.same(recipient(await toldOf(id), bob)?.taken, ['phone'], 'the tablet has it in its queue');
  const back = await system.connect(bob, { device: 'tablet' });
  await back.messages(1);
  const taken = await late(id, 'tablet');
  t.match(taken, { conversation_id: conversation, recipients: [{ user_id: bob.id }] });
  t.equal(taken.recipients.length, 1);
});

t.test('the feed tells of changes with their versions, and of reads', async (t) => {
  const [ann, bob, cat, dan] = await system.people(4);
  const group = await system.conversation([ann, bob, cat]);
  const a = await system.connectNew(ann);
  const b = await system.connectNew(bob, { edge: 2 });
  const message_id = await sendOne(a, group);
  await a.ask({ type: 'edit', message_id, content: 'edited' });
  await b.ask({ type: 'react', message_id, emoji: '👍' });
  await a.ask({ type: 'delete', message_id });
  const changes = ['edited', 'reactions', 'deleted'];
  for (const [index, change] of changes.entries()) {
    const updated = await feed.next(
      (event) => event.change === change && event.conversation_id === group,
    );
    t.match(updated, { kind: 'message_updated', seq: 1, version: index + 2 });
  }
  await b.ask({ type: 'read', conversation_id: group, seq: 1 });
  const read = await feed.next((event) => event.kind === 'read' && event.conversation_id === group);
  t.match(read, { seq: 1, recipients: [{ user_id: bob.id }] });
  const path = `/api/v1/conversations/${group}/participants`;
  await system.rest('POST', path, { token: ann.token, body: { user_ids: [dan.id] } });
  await system.rest('DELETE', `${path}/${cat.id}`, { token: ann.token });
  const removal = await feed.next(
    (event) =>
      event.conversation_id === group &&
      event.recipients[0]?.user_id === cat.id &&
      event.recipients.length === 1,
  );
  t.match(removal, { kind: 'conversation', change: 'participants' });
  await sendOne(a, group);
  await checkFeed(t, system, feed.events);
});

t.test('a message whose router died before the fan-out is fed', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const bus = await connectAsRouter(system);
  const { results } = await append(bus, conversation, [
    itemOf(ann.id, ann.id.replace(/^./, 'a'), 'x'),
  ]);
  await bus.close();
  const [result] = results;
  const id = result?.ok === true ? result.message_id : '';
  t.match(await toldOf(id), { recipients: [{ taken: [] }, { taken: [] }] });
  await checkFeed(t, system, feed.events);
});

t.test('a message whose routers die while a device has not answered is fed', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const a = await system.connectNew(ann);
  const first = await system.connectNew(bob, { edge: 2 });
  await sendOne(a, conversation);
  await first.settled();
  await first.close();
  const deaf = await system.connect(bob, { edge: 2, isAcking: false });
  const id = await sendOne(a, conversation);
  system.stack.kill('router-1');
  system.stack.kill('router-2');
  t.notOk(
    feed.events.some(({ event_id }) => event_id === id),
    'the feed waits for the device',
  );
  await Promise.all(['router-1', 'router-2'].map((name) => system.stack.start(name)));
  await toldOf(id);
  await deaf.close();
  await checkFeed(t, system, feed.events);
});

for (const [what, names] of [
  ['a router', ['router-1']],
  ['all routers', ['router-1', 'router-2']],
  ['a store', ['store-1']],
  ['NATS', ['nats']],
  ['Postgres', ['postgres']],
] as const) {
  t.test(`the feed misses and invents nothing when kill -9 takes ${what}`, async (t) => {
    const traffic = await startTraffic(system, [1, 2]);
    for (const _ of numbers(1, ROUNDS)) {
      await traffic.progress(BETWEEN);
      for (const name of names) system.signal(name, 'SIGKILL');
      await Promise.all(names.map((name) => system.stack.start(name)));
      await traffic.progress(BETWEEN);
    }
    await traffic.check(t);
    await checkFeed(t, system, feed.events);
  });
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  await until('the feed has been watched', () => feed.events.length > 0);
  t.same(system.leaks(), []);
});
