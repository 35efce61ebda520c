import t from 'tap';
import type { ChatError } from '../errors.ts';
import { ANN, ChatScene, CONVERSATION } from '../stage/chat-scene.ts';
import { settled } from '../stage/virtual-platform.ts';
import { memoryStorage } from '../storage/storage.ts';

const draft = (content: string) => ({ conversation_id: CONVERSATION, content });
const error = (code: string, more: object = {}) => ({ error: { code, message: 'no', ...more } });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    ({ code }: ChatError) => code,
  );

/** The server numbers the messages that it takes. */
function numbering() {
  const taken: string[] = [];
  const take = ({ content, client_msg_id, conversation_id }: Record<string, unknown>) => {
    taken.push(String(content));
    const seq = taken.length;
    return { message_id: `m${seq}`, conversation_id, client_msg_id, seq, sent_at: '' };
  };
  return { taken, take };
}

t.test('a refused message fails alone, and is sent again behind the others', async (t) => {
  const scene = await new ChatScene().listen('outbox').connect();
  const { taken, take } = numbering();
  let isBad = true;
  scene.answers.message = (frame) =>
    frame.content === 'bad' && isBad ? error('FORBIDDEN') : take(frame);
  const bad = scene.chat.send(draft('bad'));
  const good = scene.chat.send(draft('good'));
  await scene.pass(100);
  t.equal(await codeOf(bad.acknowledged), 'FORBIDDEN');
  t.match(await good.acknowledged, { seq: 1 });
  t.match(scene.chat.outbox.list(), [{ content: 'bad', error: { code: 'FORBIDDEN' } }]);
  isBad = false;
  scene.chat.outbox.retry(bad.message.client_msg_id as string);
  scene.chat.outbox.retry('unknown');
  await scene.pass(100);
  t.same(taken, ['good', 'bad']);
  t.same(
    scene.told.outbox?.map(({ change, entry }) => `${change} ${entry.content}`),
    ['added bad', 'added good', 'failed bad', 'sent good', 'retried bad', 'sent bad'],
  );
});

t.test('what may pass stops the outbox for the time that the server tells', async (t) => {
  const scene = await new ChatScene().connect();
  const { taken, take } = numbering();
  scene.answers.message = () => error('RATE_LIMITED', { retry_after: 3 });
  void scene.chat.send(draft('a'));
  void scene.chat.send(draft('b'));
  await scene.pass(100);
  scene.answers.message = take;
  await scene.pass(2_800);
  t.same(taken, []);
  await scene.pass(300);
  t.same(taken, ['a', 'b']);
});

t.test('a discarded message is not sent, and its promise rejects', async (t) => {
  const scene = new ChatScene();
  const { taken, take } = numbering();
  const [first, second] = ['a', 'b'].map((content) => scene.chat.send(draft(content)));
  scene.chat.outbox.discard(first?.message.client_msg_id as string);
  t.equal(await codeOf(first?.acknowledged as Promise<unknown>), 'DISCARDED');
  scene.answers.message = take;
  await scene.connect();
  await second?.acknowledged;
  t.same(taken, ['b']);
});

t.test('a draft that the server would refuse has failed at once', async (t) => {
  const scene = await new ChatScene().connect();
  const bad = [
    draft(''),
    draft('x'.repeat(8_001)),
    draft('half \ud83d'),
    draft('nul \0'),
    { ...draft('x'), metadata: { text: 'é'.repeat(2_048) } },
  ];
  for (const one of bad) {
    const { message: shown, acknowledged } = scene.chat.send(one);
    t.match(shown, { status: 'failed', error: { code: 'INVALID_REQUEST' } });
    t.equal(await codeOf(acknowledged), 'INVALID_REQUEST');
  }
  const good = [
    draft('🌏'.repeat(8_000)),
    { ...draft('x'), metadata: { text: 'é'.repeat(2_000) } },
  ];
  for (const one of good) t.equal(scene.chat.send(one).message.status, 'pending');
  await settled();
  t.equal(scene.virtual.socket.sentOf('message').length, 1);
});

t.test('a full outbox refuses one more message, and takes it later', async (t) => {
  const scene = await new ChatScene().connect();
  for (let n = 0; n < 1_000; n += 1) void scene.chat.send(draft(`${n}`));
  const late = scene.chat.send(draft('late'));
  t.equal(await codeOf(late.acknowledged), 'OUTBOX_FULL');
  const { taken, take } = numbering();
  scene.answers.message = take;
  await scene.answer();
  await scene.pass(100);
  t.equal(taken.length, 1_000);
  scene.chat.outbox.retry(late.message.client_msg_id as string);
  await scene.pass(100);
  t.equal(taken.at(-1), 'late');
});

t.test('what an earlier page left is sent before what is written now', async (t) => {
  const storage = memoryStorage();
  const first = new ChatScene({ storage, userId: ANN });
  void first.chat.connect();
  for (const content of ['a', 'b']) void first.chat.send(draft(content));
  await settled();
  const second = new ChatScene({ storage, userId: ANN });
  void second.chat.send(draft('c'));
  const { taken, take } = numbering();
  second.answers.message = take;
  await second.connect();
  await second.pass(100);
  t.same(taken, ['a', 'b', 'c']);
  t.same(
    (await storage.entries('')).map(([key]) => key.split(' ').at(-1)),
    ['device'],
  );
});

t.test('what an earlier page left keeps its order, whatever the storage gives first', async (t) => {
  const memory = memoryStorage();
  const first = new ChatScene({ storage: memory, userId: ANN });
  void first.chat.connect();
  for (const content of ['a', 'b', 'c']) {
    await first.virtual.pass(1);
    void first.chat.send(draft(content));
  }
  await settled();
  const entries = async (prefix: string) => [...(await memory.entries(prefix))].reverse();
  const second = new ChatScene({ storage: { ...memory, entries }, userId: ANN }).listen('outbox');
  void second.chat.connect();
  await settled();
  const texts = (list: readonly { content: string }[] = []) => list.map(({ content }) => content);
  t.same(texts(second.told.outbox?.map(({ entry }) => entry)), ['a', 'b', 'c']);
  t.same(texts(second.chat.outbox.list()), ['a', 'b', 'c']);
});

t.test('what is written while the storage is read goes out behind what it had', async (t) => {
  const memory = memoryStorage();
  const first = new ChatScene({ storage: memory, userId: ANN });
  void first.chat.connect();
  for (const content of ['a', 'b']) void first.chat.send(draft(content));
  await settled();
  let give = (): void => undefined;
  const isGiven = new Promise<void>((resolve) => {
    give = resolve;
  });
  const entries = async (prefix: string) => {
    if (prefix.endsWith('outbox ')) await isGiven;
    return memory.entries(prefix);
  };
  const second = new ChatScene({ storage: { ...memory, entries }, userId: ANN });
  second.virtual.nowMs += 1_000;
  void second.chat.connect();
  await settled();
  const { taken, take } = numbering();
  second.answers.message = take;
  void second.chat.send(draft('c'));
  await settled();
  give();
  await second.session();
  await second.pass(100);
  t.same(taken, ['a', 'b', 'c']);
  t.same(second.chat.outbox.list(), []);
  t.same((await memory.entries('')).length, 1, 'only the id of the device is left');
});

t.test(
  'messages go out in order, one at a time, and none is lost with the connection',
  async (t) => {
    const scene = new ChatScene();
    const { taken, take } = numbering();
    const sends = ['a', 'b', 'c'].map((content) => scene.chat.send(draft(content)));
    await scene.connect();
    t.equal(scene.virtual.socket.sentOf('message').length, 1, 'the others wait for the first');
    await scene.virtual.socket.end(1006);
    scene.answers.message = take;
    await scene.session();
    await scene.pass(1_000);
    t.same(taken, ['a', 'b', 'c']);
    const ids = scene.virtual.sockets.map((socket) => socket.sentOf('message')[0]?.client_msg_id);
    t.equal(ids[0], ids[1], 'a retry has the same id');
    const answers = await Promise.all(sends.map(({ acknowledged }) => acknowledged));
    t.match(answers, [{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    t.same(scene.chat.outbox.list(), []);
  },
);

t.test(
  'a page that ends between acknowledgement and deletion sends again under the same id',
  async (t) => {
    const storage = memoryStorage();
    const isKept = { ...storage, delete: () => new Promise<void>(() => undefined) };
    const first = new ChatScene({ storage: isKept });
    const { taken, take } = numbering();
    first.answers.message = take;
    await first.connect();
    const { message: shown, acknowledged } = first.chat.send(draft('a'));
    await first.answer();
    await acknowledged;
    const second = await new ChatScene({ storage }).connect();
    t.equal(second.virtual.socket.sentOf('message')[0]?.client_msg_id, shown.client_msg_id);
    t.same(taken, ['a']);
  },
);

t.test(
  'a storage that fails or hangs is told of once, and messages go out all the same',
  async (t) => {
    const hanging = () => new Promise<never>(() => undefined);
    const failing = () => Promise.reject(new Error('quota'));
    for (const [broken, reason] of [
      [hanging, /No answer/],
      [failing, /quota/],
    ] as const) {
      const storage = { entries: broken, set: broken, delete: broken };
      const scene = new ChatScene({ storage, deviceId: 'phone' }).listen('degraded');
      const { taken, take } = numbering();
      scene.answers.message = take;
      void scene.chat.connect();
      await scene.virtual.pass(5_000);
      await scene.session();
      for (const content of ['a', 'b']) void scene.chat.send(draft(content));
      await scene.pass(100);
      t.same(taken, ['a', 'b']);
      t.match(scene.told.degraded, [{ what: 'storage', reason }]);
      t.equal(scene.told.degraded?.length, 1);
    }
  },
);
