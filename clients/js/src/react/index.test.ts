import t from 'tap';
import { Businesses } from '../business/businesses.ts';
import { ANN, BOB, ChatScene, CONVERSATION, conversation, message } from '../stage/chat-scene.ts';
import { type Mounted, mount } from '../stage/mount.ts';
import { ChatStore } from '../store/chat-store.ts';
import {
  useBusinessPresence,
  useChat,
  useConnection,
  useConversations,
  useInbox,
  useMessages,
  useOutbox,
  usePresence,
  useTyping,
} from './index.ts';

/** The server has a conversation with one message. */
async function scene() {
  const server = await new ChatScene().connect();
  server.answers.conversations = () => ({
    conversations: [conversation({ last_seq: 1 })],
    next_cursor: null,
  });
  server.answers.history = () => ({ messages: [message(1)], has_more: false, receipts: [] });
  server.answers.presence_watch = () => ({ presence: [{ user_id: BOB, status: 'online' }] });
  return { server, chat: server.chat, store: new ChatStore(server.chat) };
}

/** Mounts a component that shows what the hook returns. */
async function show(
  t: { teardown(end: () => Promise<void>): void },
  hook: () => unknown,
): Promise<Mounted> {
  const mounted = await mount(() => JSON.stringify(hook()));
  t.teardown(() => mounted.unmount());
  return mounted;
}

t.test('a client lives as long as its component', async (t) => {
  const calls: string[] = [];
  const make = () => ({
    connect: async () => void calls.push('connect'),
    disconnect: () => void calls.push('disconnect'),
  });
  const mounted = await mount(() => String(useChat(make) !== undefined));
  t.same(calls, ['connect']);
  await mounted.render();
  t.same(calls, ['connect'], 'rendering again changes nothing');
  await mounted.unmount();
  t.same(calls, ['connect', 'disconnect']);
});

t.test('a client whose component is mounted twice has one session in the end', async (t) => {
  const server = new ChatScene();
  const component = (): string => useConnection(useChat(() => server.chat)).status;
  const first = await mount(component);
  await first.unmount();
  const mounted = await mount(component);
  t.teardown(() => mounted.unmount());
  t.equal(mounted.text(), 'connecting');
  await mounted.act(() => server.session());
  t.equal(mounted.text(), 'connected');
  t.equal(server.virtual.sockets.filter(({ isClosed }) => !isClosed).length, 1);
});

t.test('conversations and messages are rendered as they come', async (t) => {
  const { server, store } = await scene();
  const list = await show(t, () => useConversations(store).conversations.map(({ name }) => name));
  t.equal(list.text(), '[]');
  await list.act(() => server.pass(100));
  t.equal(list.text(), '["Bob"]');
  const messages = await show(t, () =>
    useMessages(store, CONVERSATION).messages.map(({ content }) => content),
  );
  await messages.act(() => server.pass(100));
  t.equal(messages.text(), '["text 1"]');
  await messages.act(() => server.say({ type: 'message', q: 1, ...message(2) }));
  t.equal(messages.text(), '["text 1","text 2"]');
});

t.test('a hook whose conversation changes shows the other one', async (t) => {
  const { server, store } = await scene();
  let id = CONVERSATION;
  const mounted = await show(t, () => useMessages(store, id).messages.length);
  await mounted.act(() => server.pass(100));
  t.equal(mounted.text(), '1');
  server.answers.history = () => ({ messages: [], has_more: false, receipts: [] });
  id = BOB;
  await mounted.act(() => mounted.render());
  await mounted.act(() => server.pass(100));
  t.equal(mounted.text(), '0');
});

t.test('presence and typing are watched while a component shows them', async (t) => {
  const { server, store } = await scene();
  const presence = await mount(() => usePresence(store, BOB).status);
  const typing = await show(t, () => useTyping(store, CONVERSATION));
  await presence.act(() => server.answer());
  t.equal(presence.text(), 'online');
  const frame = { type: 'typing', conversation_id: CONVERSATION, user_id: BOB, is_typing: true };
  await typing.act(() => server.say(frame));
  t.equal(typing.text(), `["${BOB}"]`);
  await presence.unmount();
  await server.answer();
  t.equal(server.virtual.socket.sentOf('presence_unwatch').length, 1);
});

t.test('a component that is unmounted ends all that it has subscribed to', async (t) => {
  const { server, store } = await scene();
  const id = 'business';
  server.answers.presence_watch = () => ({ presence: [{ business_id: id, status: 'offline' }] });
  const mounted = await mount(() => {
    useConversations(store);
    useMessages(store, CONVERSATION);
    return useBusinessPresence(store, id).status;
  });
  await mounted.act(() => server.pass(100));
  t.equal(mounted.text(), 'offline');
  await mounted.unmount();
  await server.answer();
  t.equal(store.messages(CONVERSATION).isWatched, false);
  t.same(server.virtual.socket.sentOf('presence_unwatch').length, 1);
});

t.test('the outbox is rendered as it fills and goes out', async (t) => {
  const server = new ChatScene({ userId: ANN });
  const mounted = await show(t, () => useOutbox(server.chat).map(({ content }) => content));
  t.equal(mounted.text(), '[]');
  const draft = { conversation_id: CONVERSATION, content: 'written offline' };
  await mounted.act(async () => void server.chat.send(draft));
  t.equal(mounted.text(), '["written offline"]');
  server.answers.message = () => ({ message_id: 'm1', conversation_id: CONVERSATION, seq: 1 });
  await mounted.act(() => server.connect());
  await mounted.act(() => server.pass(200));
  t.equal(mounted.text(), '[]');
});

t.test('an inbox is read while a component shows it, and anew in another view', async (t) => {
  const { server } = await scene();
  const businesses = new Businesses(server.chat);
  server.answers.inbox = ({ view }) => ({
    ...{ conversations: [conversation({ name: `${view}` })], next_cursor: null, version: 1 },
    counts: { waiting: 1, mine: 0, assigned: 0 },
  });
  let view: 'waiting' | 'mine' = 'waiting';
  const mounted = await show(t, () => {
    const { conversations, counts } = useInbox(businesses, 'business', view);
    return [counts?.waiting, ...conversations.map(({ name }) => name)];
  });
  await mounted.act(() => server.pass(100));
  t.equal(mounted.text(), '[1,"waiting"]');
  view = 'mine';
  await mounted.act(() => mounted.render());
  await mounted.act(() => server.pass(100));
  t.equal(mounted.text(), '[1,"mine"]');
});
