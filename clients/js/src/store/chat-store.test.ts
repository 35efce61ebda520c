import t from 'tap';
import type { Conversation } from '../protocol/shapes.ts';
import {
  ANN,
  BOB,
  ChatScene,
  CONVERSATION,
  conversation,
  message,
  restServer,
} from '../stage/chat-scene.ts';
import { settled } from '../stage/virtual-platform.ts';
import { ChatStore } from './chat-store.ts';

const nothing = (): void => undefined;
const error = (code: string) => ({ error: { code, message: 'no' } });

/** The server has one conversation, and so many messages of Bob's in it. */
async function scene(count = 0, rest: Record<string, unknown> = {}) {
  const { calls, fetch } = restServer({
    [`GET /conversations/${CONVERSATION}`]: conversation({ last_seq: count, unread: count }),
    ...rest,
  });
  const chatScene = new ChatScene({}, { fetch });
  const store = new ChatStore(chatScene.chat);
  const record = conversation({ last_seq: count, unread: count });
  const all = Array.from({ length: count }, (_, i) => message(i + 1));
  chatScene.answers.conversations = () => ({ conversations: [record], next_cursor: null });
  chatScene.answers.history = ({ before_seq: before = Infinity, after_seq: after, limit }) => {
    const visible = all.filter(({ seq }) => seq < Number(before) && seq > Number(after ?? 0));
    const messages = visible.slice(-Number(limit));
    const has_more = messages.length < visible.length;
    return { messages, has_more, first_seq: 1, receipts: [] };
  };
  await chatScene.connect();
  const list = store.messages(CONVERSATION);
  const show = async (): Promise<void> => {
    t.teardown(store.conversations.subscribe(nothing));
    t.teardown(list.subscribe(nothing));
    await chatScene.pass(100);
  };
  const seqs = () => list.value.messages.map(({ seq }) => seq);
  return { ...{ scene: chatScene, chat: chatScene.chat, store, list, all, calls }, show, seqs };
}

t.test('the newest page comes first, and older ones when they are asked for', async (t) => {
  const { list, scene: server, show, seqs } = await scene(120);
  t.same(list.value, { messages: [], hasOlder: true, isLoaded: false });
  await show();
  t.match(list.value, { hasOlder: true, isLoaded: true });
  t.same([seqs()[0], seqs().length], [71, 50]);
  for (const [first, hasOlder] of [
    [21, true],
    [1, false],
  ] as const) {
    const loading = [list.older(), list.older()];
    await server.answer();
    await Promise.all(loading);
    t.same([seqs()[0], list.value.hasOlder], [first, hasOlder], 'one page at a time');
  }
  await list.older();
  t.equal(seqs().length, 120);
});

t.test(
  'messages that come are shown at once, counted, and in the list of conversations',
  async (t) => {
    const { scene: server, store, show, seqs } = await scene(2);
    await show();
    await server.say({
      type: 'message',
      q: 1,
      ...message(3, { sent_at: '2026-11-21T11:00:00.000Z' }),
    });
    t.same(seqs(), [1, 2, 3]);
    t.match(store.conversations.value.conversations, [{ unread: 3, last_message: { seq: 3 } }]);
    const other = conversation({
      conversation_id: 'other',
      last_activity: '2026-11-21T10:30:00.000Z',
    });
    await server.say({ type: 'conversation', change: 'created', conversation: other });
    const order = () => store.conversations.value.conversations.map((one) => one.conversation_id);
    t.same(order(), [CONVERSATION, 'other']);
    const next = message(1, { conversation_id: 'other', sent_at: '2026-11-21T12:00:00.000Z' });
    await server.say({ type: 'message', q: 2, ...next });
    t.same(order(), ['other', CONVERSATION]);
  },
);

t.test('a message that comes while the first page is under way is not lost', async (t) => {
  const { scene: server, list, seqs } = await scene(2);
  const { history } = server.answers;
  server.answers.history = () => undefined;
  t.teardown(list.subscribe(nothing));
  await server.answer();
  await server.say({ type: 'message', q: 1, ...message(3) });
  server.answers.history = history as NonNullable<typeof history>;
  await server.virtual.socket.end(1006);
  await server.session();
  await server.pass(1_000);
  t.same(seqs(), [1, 2, 3]);
});

t.test('the user sees at once what they read, and the server is told the highest', async (t) => {
  const { scene: server, store, show } = await scene(5);
  await show();
  for (const seq of [2, 4, 3]) store.read(CONVERSATION, seq);
  t.match(store.conversations.get(CONVERSATION), { last_read_seq: 4, unread: 1 });
  server.answers.read = ({ seq }) => ({ last_read_seq: seq });
  await server.answer();
  await server.answer();
  t.same(
    server.virtual.socket.sentOf('read').map(({ seq }) => seq),
    [2, 4],
  );
  const shown = [9, 9].map((seq) => [store.read(CONVERSATION, seq), store.conversations.value]);
  t.equal(shown[0]?.[1], shown[1]?.[1], 'nothing is drawn again');
});

t.test('what is read without a connection is told in the next session', async (t) => {
  const { scene: server, store, show } = await scene(5);
  await show();
  await server.virtual.socket.end(1006);
  store.read(CONVERSATION, 5);
  await server.virtual.pass(25_000);
  server.answers.read = ({ seq }) => ({ last_read_seq: seq });
  await server.session();
  await server.pass(200);
  t.same(
    server.virtual.socket.sentOf('read').map(({ seq }) => seq),
    [5],
  );
});

t.test('another device reads, and the count follows', async (t) => {
  const { scene: server, store, show } = await scene(5);
  await show();
  await server.say({ type: 'unread', conversation_id: CONVERSATION, unread: 1 });
  t.match(store.conversations.get(CONVERSATION), { unread: 1, last_read_seq: 4 });
});

t.test("one's own message rises from pending to read", async (t) => {
  const { scene: server, chat, list, show } = await scene(1);
  await show();
  const status = () => list.value.messages.at(-1)?.status;
  server.answers.message = ({ client_msg_id }) => ({
    ...{ message_id: 'm2', conversation_id: CONVERSATION, client_msg_id, seq: 2, sent_at: '' },
  });
  const { message: shown } = chat.send({ conversation_id: CONVERSATION, content: 'mine' });
  t.equal(status(), 'pending');
  await server.pass(100);
  t.equal(status(), 'sent');
  const receipt = { type: 'receipt', conversation_id: CONVERSATION, user_id: BOB };
  await server.say({ ...receipt, delivered_seq: 2 });
  t.equal(status(), 'delivered');
  const own = { sender_id: ANN, client_msg_id: shown.client_msg_id as string, content: 'mine' };
  await server.say({ type: 'message', q: 1, ...message(2, own) });
  t.equal(status(), 'delivered');
  t.equal(list.value.messages.length, 2);
  await server.say({ ...receipt, read_seq: 2 });
  t.equal(status(), 'read');
});

t.test('a failed message is shown with its reason, until it is sent or discarded', async (t) => {
  const { scene: server, chat, list, show } = await scene(1);
  await show();
  server.answers.message = () => error('FORBIDDEN');
  const { message: shown } = chat.send({ conversation_id: CONVERSATION, content: 'mine' });
  await server.pass(100);
  t.match(list.value.messages.at(-1), { status: 'failed', error: { code: 'FORBIDDEN' } });
  server.answers.message = () => undefined;
  chat.outbox.retry(shown.client_msg_id as string);
  await settled();
  t.equal(list.value.messages.at(-1)?.status, 'pending');
  chat.outbox.discard(shown.client_msg_id as string);
  t.equal(list.value.messages.length, 1);
});

t.test('a list that is opened later shows what is unsent', async (t) => {
  const { chat, store } = await scene(1);
  chat.send({ conversation_id: 'other', content: 'x' });
  const id = BOB;
  chat.send({ conversation_id: id, content: 'waits' });
  t.match(store.messages(id).value.messages, [{ content: 'waits', status: 'pending' }]);
});

t.test(
  'edits, deletions and reactions are shown, and the list of conversations follows',
  async (t) => {
    const { scene: server, store, list, show } = await scene(1);
    await show();
    await server.say({ type: 'message', q: 1, ...message(2) });
    const same = {
      type: 'message_updated',
      message_id: 'm2',
      conversation_id: CONVERSATION,
      seq: 2,
    };
    await server.say({ ...same, q: 2, version: 2, change: 'edited', content: 'new' });
    t.equal(list.value.messages[1]?.content, 'new');
    t.equal(store.conversations.get(CONVERSATION)?.last_message?.content, 'new');
    await server.say({ ...same, q: 3, version: 3, change: 'deleted', deleted_at: 'now' });
    t.match(list.value.messages[1], { deleted_at: 'now', content: undefined });
  },
);

t.test('typing ends by itself, with a message, and with the connection', async (t) => {
  const { scene: server, store } = await scene();
  const typing = store.typing(CONVERSATION);
  const types = { type: 'typing', conversation_id: CONVERSATION, user_id: BOB, is_typing: true };
  await server.say(types);
  t.same(typing.value, [BOB]);
  await server.pass(4_000);
  await server.say(types);
  await server.pass(4_000);
  t.same(typing.value, [BOB], 'each frame begins the time anew');
  await server.pass(1_100);
  t.same(typing.value, []);
  await server.say(types, { type: 'message', q: 1, ...message(1) });
  t.same(typing.value, []);
  await server.say(types);
  await server.virtual.socket.end(1006);
  t.same(typing.value, []);
});

t.test('others are told of typing each 3 s, and again after a message', async (t) => {
  const { scene: server, chat, store } = await scene();
  const told = () => server.virtual.socket.sentOf('typing').map(({ is_typing: is }) => is);
  store.setTyping(CONVERSATION, false);
  store.setTyping(CONVERSATION, true);
  store.setTyping(CONVERSATION, true);
  t.same(told(), [true]);
  await server.pass(3_000);
  store.setTyping(CONVERSATION, true);
  store.setTyping(CONVERSATION, false);
  t.same(told(), [true, true, false]);
  store.setTyping(CONVERSATION, true);
  chat.send({ conversation_id: CONVERSATION, content: 'x' });
  store.setTyping(CONVERSATION, true);
  t.same(told(), [true, true, false, true, true]);
});

t.test(
  'presence is watched while somebody shows it, and unknown without a connection',
  async (t) => {
    const { scene: server, store } = await scene();
    const presence = store.presence({ user_id: BOB });
    server.answers.presence_watch = () => ({ presence: [{ user_id: BOB, status: 'online' }] });
    let changes = 0;
    const end = presence.subscribe(() => {
      changes += 1;
    });
    await server.answer();
    t.same([presence.value.status, changes], ['online', 1]);
    await server.say({ type: 'presence', user_id: BOB, status: 'offline', last_seen_at: 'then' });
    t.match(presence.value, { status: 'offline', last_seen_at: 'then' });
    await server.virtual.socket.end(1006);
    t.equal(presence.value.status, 'unknown');
    await server.session();
    t.equal(presence.value.status, 'online');
    end();
    await server.answer();
    t.equal(server.virtual.socket.sentOf('presence_unwatch').length, 1);
  },
);

t.test('a new name is read again, at a random time', async (t) => {
  const {
    scene: server,
    store,
    calls,
    show,
  } = await scene(0, {
    [`GET /conversations/${CONVERSATION}`]: conversation({ name: 'Bobby' }),
  });
  await show();
  const before = calls.length;
  await server.say(
    { type: 'profile_updated', user_id: BOB },
    { type: 'profile_updated', user_id: 'x' },
  );
  t.equal(calls.length, before);
  await server.pass(1_100);
  t.equal(store.conversations.get(CONVERSATION)?.name, 'Bobby');
  t.equal(calls.length, before + 1);
});

t.test(
  'a conversation that is not in the list is fetched when somebody writes in it',
  async (t) => {
    const other = conversation({ conversation_id: 'other', name: 'Other' });
    const { scene: server, store, show } = await scene(0, { 'GET /conversations/other': other });
    await show();
    await server.say({ type: 'message', q: 1, ...message(1, { conversation_id: 'other' }) });
    await server.pass(100);
    t.match(store.conversations.get('other'), { name: 'Other' });
  },
);

t.test('one who is removed from a group does not see it any more', async (t) => {
  const { scene: server, store, show } = await scene(1);
  await show();
  const without = conversation({ version: 2, participants: [] });
  await server.say({ type: 'conversation', q: 1, change: 'participants', conversation: without });
  t.same(store.conversations.value.conversations, []);
});

t.test('an archived conversation comes back with the next message', async (t) => {
  const { scene: server, store, show } = await scene(1);
  await show();
  const archived = conversation({ version: 2, archived_at: 'now', last_seq: 1 });
  await server.say({ type: 'conversation', q: 1, change: 'archived', conversation: archived });
  t.same(store.conversations.value.conversations, []);
  await server.say({ type: 'message', q: 2, ...message(2) });
  t.equal(store.conversations.value.conversations.length, 1);
});

t.test('a page that cannot be loaded is told of, and loaded in the next session', async (t) => {
  const { scene: server, store, list } = await scene(3);
  const { history, conversations } = server.answers;
  Object.assign(server.answers, {
    history: () => error('INTERNAL'),
    conversations: () => error('INTERNAL'),
  });
  t.teardown(store.conversations.subscribe(nothing));
  t.teardown(list.subscribe(nothing));
  await server.pass(100);
  t.match(list.value, { isLoaded: false, error: { code: 'INTERNAL' } });
  t.match(store.conversations.value, { isLoaded: false, error: { code: 'INTERNAL' } });
  Object.assign(server.answers, { history, conversations });
  await server.virtual.socket.end(1006);
  await server.session();
  await server.pass(100);
  t.match(list.value, { isLoaded: true, error: undefined });
  t.match(store.conversations.value, { isLoaded: true, error: undefined });
});

t.test(
  'what changed while events were lost is read again before the client has caught up',
  async (t) => {
    const { scene: server, all, list, show } = await scene(120);
    await show();
    void list.older();
    await server.pass(100);
    all[110] = message(111, { version: 4, content: 'changed' });
    await server.say({ type: 'resync' }, { type: 'replay_end', complete: true, q: 1 });
    await server.pass(300);
    t.match(
      list.value.messages.find(({ seq }) => seq === 111),
      { content: 'changed' },
    );
    t.equal(list.value.messages.length, 120);
    t.same(server.acks, [1]);
  },
);

t.test('conversations come page by page', async (t) => {
  const { scene: server, store } = await scene();
  const page = (ids: string[], next: string | null): object => ({
    conversations: ids.map((id): Conversation => conversation({ conversation_id: id })),
    next_cursor: next,
  });
  server.answers.conversations = ({ cursor }) =>
    cursor === 'next' ? page(['c'], null) : page(['a', 'b'], 'next');
  t.teardown(store.conversations.subscribe(nothing));
  await server.answer();
  t.match(store.conversations.value, { hasMore: true, isLoaded: true });
  const loading = store.conversations.more();
  await server.answer();
  await loading;
  t.equal(store.conversations.value.conversations.length, 4, 'with the one that is shown');
  t.equal(store.conversations.value.hasMore, false);
  await store.conversations.more();
});

t.test('who reads without taking part hears of messages by the inbox', async (t) => {
  const {
    scene: server,
    store,
    all,
  } = await scene(1, {
    'GET /conversations/foreign': conversation({ conversation_id: 'foreign', participants: [] }),
  });
  const list = store.messages('foreign');
  t.teardown(list.subscribe(nothing));
  await server.pass(100);
  all.push(message(2));
  await server.say({ type: 'inbox', business_id: 'b', version: 2, conversation_id: 'foreign' });
  await server.pass(100);
  t.equal(list.value.messages.length, 2);
});

t.test('logout empties all that is shown', async (t) => {
  const { chat, store, list, show } = await scene(3);
  await show();
  await chat.logout();
  t.same(list.value.messages, []);
  t.same(store.conversations.value.conversations, []);
});
