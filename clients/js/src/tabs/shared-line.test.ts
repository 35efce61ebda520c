import t from 'tap';
import { BOB, ChatScene, CONVERSATION, message } from '../stage/chat-scene.ts';
import { MemoryBrowser } from '../stage/memory-browser.ts';
import { settled } from '../stage/virtual-platform.ts';

const draft = (content: string) => ({ conversation_id: CONVERSATION, content });

/** Opens a tab with a client in it. The server numbers all that is written. */
function openTab(browser: MemoryBrowser, taken: string[] = []) {
  const tab = browser.openTab();
  const scene = new ChatScene({ storage: tab.storage }, tab.surroundings);
  scene.listen('message', 'outbox', 'state', 'presence', 'caught_up', 'logout');
  scene.answers.message = ({ content, client_msg_id, conversation_id }) => {
    taken.push(String(content));
    const seq = taken.length;
    return { message_id: `m${seq}`, conversation_id, client_msg_id, seq, sent_at: '' };
  };
  return { ...tab, scene };
}

type Opened = ReturnType<typeof openTab>;

/** The first tab leads, and the others go through it. */
async function twoTabs() {
  const browser = new MemoryBrowser();
  const taken: string[] = [];
  const leader = openTab(browser, taken);
  await leader.scene.connect();
  const other = openTab(browser, taken);
  void other.scene.chat.connect();
  await settle(leader, other);
  return { browser, taken, leader, other };
}

/** Lets all that the tabs and the server say to each other arrive. */
async function settle(...tabs: Opened[]): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    for (const { scene } of tabs) if (scene.virtual.sockets.length > 0) await scene.answer();
    await settled();
  }
}

t.test('one tab has the socket, and the others are connected through it', async (t) => {
  const { leader, other } = await twoTabs();
  t.equal(other.scene.chat.state.value.status, 'connected');
  t.equal(other.scene.virtual.sockets.length, 0);
  leader.scene.answers.history = () => ({ messages: [], has_more: false });
  const reading = other.scene.chat.history({ conversation_id: CONVERSATION });
  await settle(leader, other);
  t.match(await reading, { has_more: false });
  leader.scene.answers.edit = () => ({ error: { code: 'FORBIDDEN', message: 'no', details: 7 } });
  const editing = t.rejects(other.scene.chat.edit('m', 'x'), { code: 'FORBIDDEN', details: 7 });
  await settle(leader, other);
  await editing;
});

t.test(
  'all tabs are told of each event once, and the one with the socket acknowledges',
  async (t) => {
    const { leader, other } = await twoTabs();
    await leader.scene.say({ type: 'message', q: 1, ...message(1) });
    await leader.scene.say({ type: 'message', q: 2, ...message(1) });
    await settle(leader, other);
    for (const { scene } of [leader, other]) t.match(scene.told.message, [{ seq: 1 }]);
    t.same(leader.scene.acks, [1, 2]);
  },
);

t.test('a tab fills its own gaps through the tab with the socket', async (t) => {
  const { leader, other } = await twoTabs();
  other.scene.chat.follow(CONVERSATION, 0);
  leader.scene.answers.history = () => ({ messages: [message(1)], has_more: false });
  await leader.scene.say({ type: 'message', q: 1, ...message(2) });
  await settle(leader, other);
  await other.scene.virtual.pass(200);
  await settle(leader, other);
  t.match(leader.scene.told.message, [{ seq: 2 }]);
  t.match(other.scene.told.message, [{ seq: 1 }, { seq: 2 }]);
});

t.test('what a tab writes is shown in all tabs, and sent in order by one', async (t) => {
  const { taken, leader, other } = await twoTabs();
  const first = other.scene.chat.send(draft('a'));
  const second = leader.scene.chat.send(draft('b'));
  await settle(leader, other);
  t.same([...taken].sort(), ['a', 'b']);
  t.match(await first.acknowledged, { client_msg_id: first.message.client_msg_id });
  await second.acknowledged;
  for (const { scene } of [leader, other]) {
    const changes = scene.told.outbox?.map(({ change, entry }) => `${change} ${entry.content}`);
    t.same([...(changes ?? [])].sort(), ['added a', 'added b', 'sent a', 'sent b']);
  }
});

t.test('a failed message is retried or discarded from any tab', async (t) => {
  const { leader, other } = await twoTabs();
  const { message: take } = leader.scene.answers;
  leader.scene.answers.message = () => ({ error: { code: 'FORBIDDEN', message: 'no' } });
  const sends = ['a', 'b'].map((content) => leader.scene.chat.send(draft(content)));
  await settle(leader, other);
  t.same(
    other.scene.chat.outbox.list().map(({ error }) => error?.code),
    ['FORBIDDEN', 'FORBIDDEN'],
  );
  leader.scene.answers.message = take as NonNullable<typeof take>;
  other.scene.chat.outbox.retry(sends[0]?.message.client_msg_id as string);
  other.scene.chat.outbox.discard(sends[1]?.message.client_msg_id as string);
  await settle(leader, other);
  for (const { scene } of [leader, other]) t.same(scene.chat.outbox.list(), []);
});

t.test('when the tab with the socket ends, another takes over within a second', async (t) => {
  const { taken, leader, other } = await twoTabs();
  leader.scene.answers.message = () => undefined;
  void leader.scene.chat.send(draft('of the one that ends'));
  void other.scene.chat.send(draft('of the one that stays'));
  await settle(leader, other);
  leader.end();
  await settle(other);
  t.equal(other.scene.chat.state.value.status, 'connecting');
  await other.scene.session();
  await settle(other);
  t.same(taken, ['of the one that ends', 'of the one that stays']);
  t.equal(other.scene.chat.state.value.status, 'connected');
  t.equal(other.scene.virtual.socket.deviceId, leader.scene.virtual.socket.deviceId);
});

t.test('unsent messages that the storage lost are sent by the tab that takes over', async (t) => {
  const browser = new MemoryBrowser();
  const taken: string[] = [];
  const nothing = {
    entries: async () => [],
    set: async () => undefined,
    delete: async () => undefined,
  };
  const [leader, other] = [browser, browser].map((one) => {
    const tab = one.openTab();
    const options = { storage: nothing, deviceId: 'phone' };
    const scene = new ChatScene(options, tab.surroundings);
    return { ...tab, scene };
  }) as [Opened, Opened];
  await leader.scene.connect();
  void other.scene.chat.connect();
  await settle(leader, other);
  void leader.scene.chat.send(draft('a'));
  await settle(leader, other);
  leader.end();
  await settle(other);
  other.scene.answers.message = ({ content }) => {
    taken.push(String(content));
    return { seq: 1 };
  };
  await other.scene.session();
  await settle(other);
  t.same(taken, ['a']);
});

t.test('a frozen tab loses the lead to a visible one, and follows when it wakes', async (t) => {
  const { leader, other } = await twoTabs();
  leader.freeze();
  await other.scene.virtual.pass(10_000);
  await other.scene.virtual.pass(4_000);
  await settle(other);
  await other.scene.session();
  t.equal(other.scene.chat.state.value.status, 'connected');
  t.ok(leader.scene.virtual.socket.isClosed, 'the lock told the old one');
  t.equal(leader.scene.virtual.sockets.length, 1);
  other.scene.answers.conversations = () => ({ conversations: [], next_cursor: null });
  leader.thaw();
  await other.scene.virtual.pass(10_000);
  await settle(leader, other);
  await leader.scene.virtual.pass(1_000);
  await settle(leader, other);
  t.equal(leader.scene.told.caught_up?.length, 1, 'it reads what it slept through');
});

t.test('a tab that missed events of the leader catches up', async (t) => {
  const { browser, leader, other } = await twoTabs();
  await leader.scene.say({ type: 'message', q: 1, ...message(1) });
  await settle(leader, other);
  const channel = browser
    .openTab()
    .surroundings.openChannel?.(
      `kaha-chat https://chat.example.com ${leader.scene.chat.userId()} `,
    );
  const hello = new Promise<{ from: string; number: number }>((resolve) => {
    if (channel) channel.onmessage = ({ data }: never) => resolve(data);
  });
  channel?.postMessage({ say: 'hello' });
  const { from, number } = await hello;
  leader.scene.answers.conversations = () => ({ conversations: [], next_cursor: null });
  const event = { type: 'typing', conversation_id: 'c', user_id: BOB, is_typing: true };
  channel?.postMessage({ say: 'event', from, number: number + 2, event });
  await settle(leader, other);
  t.equal(other.scene.told.caught_up?.length, 1);
});

t.test('the presence that tabs show is watched on one socket, until no tab shows it', async (t) => {
  const { leader, other } = await twoTabs();
  leader.scene.answers.presence_watch = () => ({ presence: [{ user_id: BOB, status: 'online' }] });
  const ends = [leader, other].map(({ scene }) => scene.chat.watch(`user:${BOB}`));
  await settle(leader, other);
  const { socket } = leader.scene.virtual;
  t.match(other.scene.told.presence?.at(-1), { status: 'online' });
  ends[0]?.();
  await settle(leader, other);
  t.equal(socket.sentOf('presence_unwatch').length, 0);
  ends[1]?.();
  await settle(leader, other);
  t.equal(socket.sentOf('presence_unwatch').length, 1);
});

t.test('logout in one tab is the logout of all', async (t) => {
  const { browser, leader, other } = await twoTabs();
  void other.scene.chat.send(draft('a'));
  await other.scene.chat.logout();
  await settle(leader, other);
  for (const { scene } of [leader, other]) {
    t.equal(scene.told.logout?.length, 1);
    t.equal(scene.chat.state.value.status, 'disconnected');
    t.equal(scene.chat.userId(), undefined);
  }
  t.same(await browser.storage.entries(''), []);
});

t.test('tabs of two people do not meet', async (t) => {
  const browser = new MemoryBrowser();
  const [ann, bob] = [browser.openTab(), browser.openTab()];
  const scenes = [
    new ChatScene({ storage: ann.storage }, ann.surroundings),
    new ChatScene({ storage: bob.storage, userId: BOB }, bob.surroundings),
  ];
  for (const { chat } of scenes) void chat.connect();
  for (const { virtual } of scenes) await virtual.pass(100);
  t.same(
    scenes.map(({ virtual }) => virtual.sockets.length),
    [1, 1],
  );
});

t.test('a page without locks is a device of its own, in memory, and says so', async (t) => {
  const scene = new ChatScene({}, { isPage: true }).listen('degraded');
  await scene.connect();
  t.match(scene.told.degraded, [{ what: 'tabs' }]);
  t.match(scene.virtual.socket.deviceId, /^[0-9a-f-]{36}$/);
  const other = await new ChatScene({}, { isPage: true }).connect();
  t.not(other.virtual.socket.deviceId, scene.virtual.socket.deviceId);
});

t.test('a browser that refuses locks lets the tab lead itself', async (t) => {
  const { surroundings, storage } = new MemoryBrowser().openTab();
  const locks = { request: () => Promise.reject(new Error('SecurityError')) };
  const scene = new ChatScene({ storage }, { ...surroundings, locks });
  await scene.connect();
  t.equal(scene.chat.state.value.status, 'connected');
});
