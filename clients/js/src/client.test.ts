import t from 'tap';
import type { ChatError } from './errors.ts';
import {
  ANN,
  BOB,
  ChatScene,
  CONVERSATION,
  conversation,
  message,
  restServer,
  tokenOf,
} from './stage/chat-scene.ts';
import { settled } from './stage/virtual-platform.ts';
import { memoryStorage } from './storage/storage.ts';

const draft = (content: string) => ({ conversation_id: CONVERSATION, content });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    ({ code }: ChatError) => code,
  );

t.test('a client without an address or a WebSocket says so at once', async (t) => {
  const getToken = (): string => '';
  t.throws(() => new ChatScene({ url: '' }), { code: 'INVALID_REQUEST', message: /options.url/ });
  const missing = { WebSocket: undefined };
  t.throws(() => new ChatScene({ getToken }, missing), { message: /options.WebSocket/ });
});

t.test(
  'connect resolves with the first session, and rejects when there will be none',
  async (t) => {
    const scene = new ChatScene();
    const connected = scene.chat.connect();
    await scene.session();
    t.equal(await connected, undefined);
    t.equal(scene.chat.userId(), ANN);
    const refused = new ChatScene();
    const connecting = codeOf(refused.chat.connect());
    await refused.virtual.pass(0);
    await refused.virtual.socket.open();
    await refused.virtual.socket.end(4503, 'signed out');
    t.equal(await connecting, 'CLOSED');
    t.match(refused.chat.state.value, { status: 'suspended', code: 4503, reason: 'signed out' });
    const left = new ChatScene();
    const leaving = codeOf(left.chat.connect());
    left.chat.disconnect();
    t.equal(await leaving, 'CLOSED');
  },
);

t.test('a client that was suspended connects again when it is told to', async (t) => {
  const scene = await new ChatScene().connect();
  await scene.virtual.socket.end(4505);
  t.equal(scene.chat.state.value.status, 'suspended');
  await scene.virtual.pass(60_000);
  t.equal(scene.virtual.sockets.length, 1);
  await scene.connect();
  t.equal(scene.chat.state.value.status, 'connected');
});

t.test(
  'a client that was disconnected connects again, with the conversations it knew',
  async (t) => {
    const scene = await new ChatScene().listen('message').connect();
    await scene.say({ type: 'message', q: 1, ...message(1) });
    scene.chat.disconnect();
    t.equal(scene.chat.state.value.status, 'disconnected');
    await scene.connect();
    await scene.say(
      { type: 'message', q: 1, ...message(1) },
      { type: 'message', q: 2, ...message(2) },
    );
    t.match(scene.told.message, [{ seq: 1 }, { seq: 2 }]);
    t.same(scene.acks, [1, 2]);
  },
);

t.test('getToken that fails is asked again, and the state tells why', async (t) => {
  let count = 0;
  const getToken = (): string => {
    count += 1;
    if (count < 3) throw new Error('the login is away');
    return tokenOf(ANN);
  };
  const scene = new ChatScene({ getToken });
  void scene.chat.connect();
  await settled();
  t.match(scene.chat.state.value, { status: 'connecting', reason: /getToken failed/ });
  await scene.virtual.pass(2_000);
  await scene.session();
  t.equal(scene.chat.state.value.status, 'connected');
});

t.test(
  'a session of another user is not accepted, so messages never change their writer',
  async (t) => {
    const scene = new ChatScene();
    void scene.chat.send(draft('of Ann'));
    void scene.chat.connect();
    for (const _attempt of [1, 2]) await scene.session({ userId: BOB });
    t.match(scene.chat.state.value, { status: 'suspended', reason: 'the token of another user' });
    t.notOk(scene.virtual.sockets.some((socket) => socket.sentOf('message').length > 0));
  },
);

t.test(
  'reads are asked again on the next session, and what changes something is not',
  async (t) => {
    const scene = await new ChatScene().connect();
    const reading = scene.chat.history({ conversation_id: CONVERSATION });
    const writing = codeOf(scene.chat.edit('m1', 'new'));
    await settled();
    await scene.virtual.socket.end(1006);
    t.equal(await writing, 'DISCONNECTED');
    scene.answers.history = () => ({ messages: [], has_more: false });
    await scene.session();
    await scene.pass(1_000);
    t.match(await reading, { has_more: false });
    scene.chat.disconnect();
    t.equal(await codeOf(scene.chat.listConversations()), 'CLOSED');
  },
);

t.test('a read that gets no connection ends after 20 s', async (t) => {
  const scene = await new ChatScene().connect();
  await scene.virtual.socket.end(1006);
  const reading = codeOf(scene.chat.listConversations());
  await scene.virtual.pass(20_000);
  t.equal(await reading, 'TIMEOUT');
});

t.test('logout signs the device out and leaves nothing of the user', async (t) => {
  const storage = memoryStorage();
  const { calls, fetch } = restServer({});
  const scene = await new ChatScene({ storage }, { fetch }).listen('logout').connect();
  const [[, deviceId] = []] = await storage.entries('kaha-chat https://chat.example.com');
  const left = scene.chat.send(draft('unsent'));
  await settled();
  await scene.chat.logout();
  t.same(calls, [{ what: `DELETE /devices/${deviceId}`, body: undefined }]);
  t.same(await storage.entries(''), []);
  t.equal(await codeOf(left.acknowledged), 'DISCARDED');
  t.equal(scene.chat.state.value.status, 'disconnected');
  t.equal(scene.chat.userId(), undefined);
  t.equal(scene.told.logout?.length, 1);
});

t.test('the operations of the REST API have their methods', async (t) => {
  const path = `/conversations/${CONVERSATION}`;
  const { calls, fetch } = restServer({ [`GET ${path}`]: conversation() });
  const scene = await new ChatScene({}, { fetch }).connect();
  const { chat } = scene;
  t.match(await chat.getConversation(CONVERSATION), { name: 'Bob' });
  await chat.updateConversation(CONVERSATION, { title: 'New' });
  await chat.addParticipants(CONVERSATION, [BOB], true);
  await chat.removeParticipant(CONVERSATION, BOB);
  await chat.mute(CONVERSATION, '2027-01-01T00:00:00Z');
  await chat.mute(CONVERSATION);
  await chat.unmute(CONVERSATION);
  await chat.archive(CONVERSATION);
  t.same(
    calls.slice(1).map(({ what, body }) => [what.replace(path, ''), body]),
    [
      ['PATCH ', { title: 'New' }],
      ['POST /participants', { user_ids: [BOB], share_history: true }],
      [`DELETE /participants/${BOB}`, undefined],
      ['PUT /mute', { until: '2027-01-01T00:00:00Z' }],
      ['PUT /mute', {}],
      ['DELETE /mute', undefined],
      ['DELETE ', undefined],
    ],
  );
});

t.test(
  'what is watched is asked for in each session, and unwatched when nobody looks',
  async (t) => {
    const scene = await new ChatScene().listen('presence').connect();
    const { chat, virtual } = scene;
    scene.answers.presence_watch = () => ({ presence: [{ user_id: BOB, status: 'online' }] });
    const ends = [chat.watch(`user:${BOB}`), chat.watch(`user:${BOB}`), chat.watch('business:b')];
    await scene.answer();
    t.match(virtual.socket.sentOf('presence_watch'), [
      { user_ids: [BOB] },
      { business_ids: ['b'] },
    ]);
    t.match(scene.told.presence?.[0], { user_id: BOB, status: 'online' });
    ends[0]?.();
    ends[0]?.();
    await scene.answer();
    t.equal(virtual.socket.sentOf('presence_unwatch').length, 0);
    await virtual.socket.end(1006);
    await scene.session();
    t.equal(virtual.socket.sentOf('presence_watch').length, 2);
    ends[1]?.();
    await scene.answer();
    t.match(virtual.socket.sentOf('presence_unwatch'), [{ user_ids: [BOB] }]);
  },
);
