import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { Chatter, join } from './chatters/chatter.ts';
import { startCuttingProxy } from './harm/cutting-proxy.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';

/** The client of `clients/js` talks to running edges here. */
const system = await shareStack(t);

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  return { ann, bob, conversation };
}

/** Ends the clients of a test, so that nothing keeps the process alive. */
function leave(...chatters: Chatter[]): void {
  for (const { chat } of chatters) chat.disconnect();
}

t.test('two people chat, and see names, unread counts, typing, status and presence', async (t) => {
  const { ann, bob, conversation } = await scene();
  const [a, b] = (await join(system, [ann, bob])) as [Chatter, Chatter];
  t.teardown(() => leave(a, b));
  const ends = [a, b].flatMap(({ store }) => [
    store.conversations.subscribe(() => undefined),
    store.messages(conversation).subscribe(() => undefined),
  ]);
  await until('the lists', () => [a, b].every(({ store }) => store.conversations.value.isLoaded));
  const presence = a.store.presence({ user_id: bob.id });
  ends.push(presence.subscribe(() => undefined));
  await until('Bob is there', () => presence.value.status === 'online');
  b.store.setTyping(conversation, true);
  await until('Bob types', () => a.store.typing(conversation).value.includes(bob.id));

  const { message, acknowledged } = a.chat.send({ conversation_id: conversation, content: 'one' });
  t.match(message, { status: 'pending', content: 'one', sender_id: ann.id });
  t.same(a.shown(conversation), ['pending one'], 'the message is shown at once');
  t.match(await acknowledged, { seq: 1, client_msg_id: message.client_msg_id });
  await b.hears(conversation, 1);
  t.match(b.store.conversations.get(conversation), { unread: 1, name: 'Unknown User' });
  t.same(b.shown(conversation), ['one']);
  await until('delivered', () => a.shown(conversation)[0] === 'delivered one');
  b.store.read(conversation, 1);
  t.match(b.store.conversations.get(conversation), { unread: 0, last_read_seq: 1 });
  await until('read', () => a.shown(conversation)[0] === 'read one');
  for (const end of ends) end();
  t.same([...a.errors, ...b.errors], []);
});

t.test('edits, reactions, deletions and replies are shown to both', async (t) => {
  const { ann, bob, conversation } = await scene();
  const [a, b] = (await join(system, [ann, bob])) as [Chatter, Chatter];
  t.teardown(() => leave(a, b));
  for (const { store } of [a, b]) store.messages(conversation).subscribe(() => undefined);
  const sent = await a.chat.send({ conversation_id: conversation, content: 'one' }).acknowledged;
  await b.hears(conversation, 1);
  await a.chat.edit(sent.message_id, 'two');
  await b.chat.react(sent.message_id, '👍');
  const reply = { conversation_id: conversation, content: 'yes', reply_to: sent.message_id };
  await b.chat.send(reply).acknowledged;
  const listOf = ({ store }: Chatter) => store.messages(conversation).value.messages;
  for (const chatter of [a, b]) {
    await until('the changes', () => listOf(chatter)[0]?.version === 3);
    await until('the reply', () => listOf(chatter)[1]?.seq === 2);
  }
  t.match(listOf(a), [
    { content: 'two', reactions: [{ emoji: '👍', count: 1, mine: false }], status: 'read' },
    { content: 'yes', reply_to: { message_id: sent.message_id, content: 'two' } },
  ]);
  t.match(listOf(b)[0]?.reactions, [{ mine: true }]);
  await a.chat.delete(sent.message_id);
  await until('the tombstone', () => listOf(b)[0]?.deleted_at !== undefined);
  t.notOk(listOf(b)[0]?.content);
  await t.rejects(b.chat.edit(sent.message_id, 'no'), { name: 'ChatError' });
});

t.test(
  'what is written offline goes out in order, and what was missed comes in order',
  async (t) => {
    const { ann, bob, conversation } = await scene();
    const proxy = await startCuttingProxy(
      t,
      [1, 2].map((edge) => system.edgePort(edge)),
    );
    const [b] = (await join(system, [bob])) as [Chatter];
    const [a] = (await join(system, [ann], { url: proxy.url })) as [Chatter];
    t.teardown(() => leave(a, b));
    const draft = (content: string) => ({ conversation_id: conversation, content });
    await a.chat.send(draft('0')).acknowledged;
    proxy.setClosed(true);
    const waiting = numbers(1, 5).map((n) => a.chat.send(draft(`from Ann ${n}`)));
    for (const n of numbers(1, 5)) await b.chat.send(draft(`from Bob ${n}`)).acknowledged;
    t.equal(a.chat.outbox.list().length, 5);
    proxy.setClosed(false);
    const seqs = await Promise.all(
      waiting.map(async ({ acknowledged }) => (await acknowledged).seq),
    );
    t.same(seqs, numbers(7, 11), 'in the order in which they were written');
    for (const chatter of [a, b]) {
      t.same(seqsOf(await chatter.hears(conversation, 11)), numbers(1, 11));
    }
    t.same(a.chat.outbox.list(), []);
    t.same(
      [...a.told, ...b.told].filter(({ isLate }) => isLate),
      [],
    );
  },
);

t.test('connections that are cut all the time lose and double nothing', async (t) => {
  const { ann, bob, conversation } = await scene();
  const proxy = await startCuttingProxy(
    t,
    [1, 2].map((edge) => system.edgePort(edge)),
  );
  const [a, b] = (await join(system, [ann, bob], { url: proxy.url })) as [Chatter, Chatter];
  t.teardown(() => leave(a, b));
  const count = 20;
  for (const n of numbers(1, count)) {
    for (const { chat } of [a, b]) {
      const { acknowledged } = chat.send({ conversation_id: conversation, content: `${n}` });
      if (n % 5 === 0) await acknowledged;
    }
    if (n % 4 === 0) proxy.cut();
  }
  for (const chatter of [a, b]) {
    t.same(seqsOf(await chatter.hears(conversation, 2 * count, 60_000)), numbers(1, 2 * count));
    const own = chatter.told.filter(({ sender_id: id }) => id === chatter.person.id);
    t.same(
      own.map(({ content }) => content),
      numbers(1, count).map(String),
    );
  }
  const history = await system.history(ann, conversation);
  t.equal(new Set(history.map((one) => one.client_msg_id)).size, 2 * count);
});

t.test('a dead link is noticed and replaced while nothing closes it', async (t) => {
  const { ann, bob, conversation } = await scene();
  const proxy = await startCuttingProxy(t, [system.edgePort(1)]);
  const [b] = (await join(system, [bob])) as [Chatter];
  const [a] = (await join(system, [ann], { url: proxy.url })) as [Chatter];
  t.teardown(() => leave(a, b));
  proxy.setSilent(true);
  await b.chat.send({ conversation_id: conversation, content: 'are you there?' }).acknowledged;
  await until('the verdict', () => a.chat.state.value.reason === 'dead link', 25_000);
  proxy.setSilent(false);
  await a.hears(conversation, 1);
});

t.test('a message that the server refuses fails alone', async (t) => {
  const { ann, bob, conversation } = await scene();
  const [a] = (await join(system, [ann])) as [Chatter];
  t.teardown(() => leave(a));
  const other = await system.conversation([ann, bob, (await system.people(1))[0]]);
  const foreign = await a.chat.send({ conversation_id: other, content: 'x' }).acknowledged;
  const draft = { conversation_id: conversation, content: 'reply' };
  const poisoned = a.chat.send({ ...draft, reply_to: foreign.message_id });
  const good = a.chat.send(draft);
  await t.rejects(poisoned.acknowledged, { code: 'INVALID_REQUEST' });
  t.match(await good.acknowledged, { seq: 1 });
  t.match(a.chat.outbox.list(), [{ error: { code: 'INVALID_REQUEST' } }]);
  a.chat.outbox.discard(poisoned.message.client_msg_id as string);
  t.same(a.chat.outbox.list(), []);
});

t.test('a token is renewed on the live socket, and a refused one ends the client', async (t) => {
  const [ann] = await system.people(1, 3);
  const [a] = (await join(system, [ann], { getToken: () => system.stack.token(ann.id, 3) })) as [
    Chatter,
  ];
  t.teardown(() => leave(a));
  const endsAt = Date.now() + 7_000;
  await until('two ends of a token are over', () => Date.now() > endsAt);
  t.same(a.states, ['connecting', 'connected'], 'the session goes on');
  const bad = new Chatter(system, ann, { getToken: () => 'bad', userId: ann.id });
  await t.rejects(bad.chat.connect(), { code: 'CLOSED' });
  t.match(bad.chat.state.value, { status: 'suspended', code: 4500 });
});

t.test('a newer session of the device suspends the older one', async (t) => {
  const [ann] = await system.people(1);
  const [first] = (await join(system, [ann])) as [Chatter];
  const second = new Chatter(system, ann, { edge: 2 });
  await second.chat.connect();
  t.teardown(() => leave(second));
  await until('replaced', () => first.chat.state.value.status === 'suspended');
  t.match(first.chat.state.value, { code: 4505 });
});

t.test('what the application follows is filled from history', async (t) => {
  const { ann, bob, conversation } = await scene();
  const [a] = (await join(system, [ann])) as [Chatter];
  for (const n of numbers(1, 6)) {
    await a.chat.send({ conversation_id: conversation, content: `${n}` }).acknowledged;
  }
  const late = new Chatter(system, bob);
  t.teardown(() => leave(a, late));
  late.chat.follow(conversation, 3);
  await late.join();
  const told = await late.hears(conversation, 6);
  t.same(seqsOf(told.filter(({ isLate }) => !isLate)).slice(-3), numbers(4, 6));
});
