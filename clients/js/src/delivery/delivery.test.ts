import t from 'tap';
import { ChatScene, CONVERSATION, conversation, message } from '../stage/chat-scene.ts';
import { settled } from '../stage/virtual-platform.ts';

const error = (code: string, more: object = {}) => ({ error: { code, message: 'no', ...more } });

t.test('an event is acknowledged once the handler has finished with it, in order', async (t) => {
  const scene = await new ChatScene().connect();
  const finish: (() => void)[] = [];
  scene.chat.on('message', () => new Promise<void>((resolve) => finish.push(resolve)));
  await scene.say(
    { type: 'message', q: 1, ...message(1) },
    { type: 'message', q: 2, ...message(2) },
  );
  t.same(scene.acks, []);
  finish[1]?.();
  await settled();
  t.same(scene.acks, [], 'an acknowledgement means all up to its number');
  finish[0]?.();
  await settled();
  t.same(scene.acks, [2]);
  await scene.say(
    { type: 'message', q: 3, ...message(3) },
    { type: 'message', q: 4, ...message(3) },
  );
  t.same(scene.acks, [2], 'a repeat waits for the one that is being handled');
  finish[2]?.();
  await settled();
  t.same(scene.acks, [2, 4]);
});

t.test('a handler that fails is told of by error, and does not hold up what follows', async (t) => {
  const scene = await new ChatScene().listen('error').connect();
  scene.chat.on('message', ({ seq }) => {
    if (seq === 1) throw new Error('first');
    return Promise.reject(new Error('second'));
  });
  const seen: number[] = [];
  scene.chat.on('message', ({ seq }) => seen.push(seq));
  await scene.say(
    { type: 'message', q: 1, ...message(1) },
    { type: 'message', q: 2, ...message(2) },
  );
  t.match(scene.told.error, [{ message: 'first' }, { message: 'second' }]);
  t.same(seen, [1, 2]);
  t.same(scene.acks, [1, 2]);
});

t.test('a gap is filled from history within a second, and acknowledged only then', async (t) => {
  const scene = await new ChatScene().listen('message').connect();
  scene.answers.history = ({ after_seq: after }) => {
    const messages = [message(2), message(3)].filter(({ seq }) => seq > Number(after));
    return { messages, has_more: false, first_seq: 1, receipts: [] };
  };
  await scene.say(
    { type: 'message', q: 1, ...message(1) },
    { type: 'message', q: 2, ...message(4) },
  );
  t.match(scene.told.message, [{ seq: 1 }]);
  t.same(scene.acks, [1]);
  await scene.pass(1_000);
  t.match(scene.told.message, [{ seq: 1 }, { seq: 2 }, { seq: 3 }, { seq: 4, isLate: false }]);
  t.same(scene.acks, [1, 2]);
  t.equal(scene.virtual.socket.sentOf('history').length, 1);
});

t.test('a gap that closes by itself asks for no history', async (t) => {
  const scene = await new ChatScene().listen('message').connect();
  await scene.say({ type: 'message', ...message(1) }, { type: 'message', ...message(3) });
  await scene.say({ type: 'message', ...message(2) });
  await scene.pass(1_000);
  t.equal(scene.virtual.socket.sentOf('history').length, 0);
  t.match(scene.told.message, [{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
});

t.test('history that cannot answer now is asked again, and one that refuses is not', async (t) => {
  const scene = await new ChatScene().listen('message').connect();
  scene.answers.history = () => error('DATABASE_UNAVAILABLE', { retry_after: 2 });
  await scene.say({ type: 'message', ...message(1) }, { type: 'message', q: 1, ...message(3) });
  await scene.pass(25_000);
  t.ok(scene.virtual.socket.sentOf('history').length > 5);
  t.same(scene.acks, []);
  scene.answers.history = () => error('NOT_A_PARTICIPANT');
  await scene.pass(25_000);
  t.match(scene.told.message, [{ seq: 1 }, { seq: 3 }]);
  t.same(scene.acks, [1]);
});

t.test('a catch-up that fails is over after 30 s, and the session goes on', async (t) => {
  const scene = await new ChatScene().listen('caught_up').connect();
  await scene.say({ type: 'message', ...message(1) });
  scene.answers.conversations = () => error('DATABASE_UNAVAILABLE');
  await scene.say({ type: 'replay_end', complete: false, q: 1 });
  await scene.pass(31_000);
  t.match(scene.told.caught_up, [{ conversations: [] }]);
  t.same(scene.acks, [1]);
});

t.test('what a catch-up could not read in time is read once the server can answer', async (t) => {
  const scene = await new ChatScene().listen('message').connect();
  await scene.say({ type: 'message', ...message(1) });
  scene.answers.conversations = () => error('DATABASE_UNAVAILABLE');
  await scene.say({ type: 'replay_end', complete: false, q: 1 });
  await scene.pass(31_000);
  scene.answers.conversations = () => ({
    conversations: [{ conversation_id: CONVERSATION, last_seq: 2, participants: [] }],
    next_cursor: null,
  });
  scene.answers.history = () => ({ messages: [message(2)], has_more: false });
  await scene.pass(45_000);
  t.match(scene.told.message, [{ seq: 1 }, { seq: 2 }], 'no later message had to tell of it');
});

t.test('events of unknown types are acknowledged and ignored', async (t) => {
  const scene = await new ChatScene().connect();
  await scene.say({ type: 'news', q: 1 }, { type: 'message', q: 2, ...message(1) });
  t.same(scene.acks, [1, 2]);
});

t.test('an error that answers no request is told of', async (t) => {
  const scene = await new ChatScene().listen('error').connect();
  await scene.say({ type: 'error', ...error('RATE_LIMITED', { retry_after: 1 }) });
  t.match(scene.told.error, [{ code: 'RATE_LIMITED', retryAfterMs: 1_000 }]);
});

t.test(
  'an error that nobody handles, and one of the handler of errors, reach the page',
  async (t) => {
    const reported: unknown[] = [];
    const surroundings = { reportError: (thrown: unknown) => void reported.push(thrown) };
    const scene = await new ChatScene({}, surroundings).connect();
    scene.chat.on('message', () => Promise.reject('unhandled'));
    await scene.say({ type: 'message', q: 1, ...message(1) });
    scene.chat.on('error', () => {
      throw 'again';
    });
    await scene.say({ type: 'message', q: 2, ...message(2) });
    t.same(reported, ['unhandled', 'again']);
  },
);

t.test(
  'after a lost queue the client reads what it lacks before it acknowledges the replay',
  async (t) => {
    const scene = await new ChatScene().listen('message', 'caught_up').connect();
    await scene.say({ type: 'message', q: 1, ...message(1) });
    scene.answers.conversations = () => ({
      conversations: [conversation({ last_seq: 3 })],
      next_cursor: null,
    });
    scene.answers.history = () => ({ messages: [message(2), message(3)], has_more: false });
    await scene.say({ type: 'resync' }, { type: 'replay_end', complete: false, q: 2 });
    t.same(scene.acks, [1]);
    await scene.pass(1_000);
    t.match(scene.told.message, [{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    t.match(scene.told.caught_up, [{ conversations: [{ last_seq: 3 }] }]);
    t.same(scene.acks, [1, 2]);
  },
);

t.test('a replay is acknowledged once the handlers have what was replayed', async (t) => {
  const scene = await new ChatScene().listen('caught_up').connect();
  let finish = (): void => undefined;
  scene.chat.on('message', () => new Promise<void>((resolve) => (finish = resolve)));
  scene.answers.conversations = () => ({
    conversations: [conversation({ last_seq: 1 })],
    next_cursor: null,
  });
  await scene.say({ type: 'message', ...message(1) }, { type: 'replay_end', complete: true, q: 1 });
  await scene.pass(1_000);
  t.equal(scene.told.caught_up?.length, 1);
  t.same(scene.acks, [], 'the application still works on the message');
  finish();
  await settled();
  t.same(scene.acks, [1]);
});

t.test(
  'a version of a conversation is told once, and one who was removed waits for nothing',
  async (t) => {
    const scene = await new ChatScene().listen('conversation', 'message').connect();
    const event = (more: object) => ({
      type: 'conversation',
      change: 'updated',
      conversation: conversation(more),
    });
    await scene.say(event({ version: 2 }), event({ version: 1 }), event({ version: 2 }));
    t.match(scene.told.conversation, [{ conversation: { version: 2 } }]);
    await scene.say({ type: 'message', q: 1, ...message(5) });
    t.same(scene.told.message, []);
    await scene.say({ ...event({ version: 3, last_seq: 6, participants: [] }), q: 2 });
    t.match(scene.told.message, [{ seq: 5 }]);
    t.same(scene.acks, [2]);
    await scene.pass(1_000);
    t.equal(scene.virtual.socket.sentOf('history').length, 0);
  },
);
