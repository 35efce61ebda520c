import t from 'tap';
import { until } from '../../dev/testing/until.ts';
import type { OutboxEntry } from '../../shared/contracts/outbox.ts';
import { subjects } from '../../shared/contracts/subjects.ts';
import { KahaError } from '../../shared/errors.ts';
import { type EventId, newId, type UserId } from '../../shared/ids.ts';
import type { Msg } from '../../shared/nats/bus.ts';
import { ask, letter, ROUTER, StageDevice, send, setStage } from './stage/router-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const { edge, store } = stage;
t.teardown(() => stage.close());

const refusal = (promise: Promise<unknown>): Promise<KahaError> =>
  promise.then(
    () => t.fail('it should be refused') as never,
    (error) => error,
  );

async function pair() {
  const users = [newId<UserId>(), newId<UserId>()] as const;
  const devices = users.map((userId) => new StageDevice(edge, userId));
  for (const device of devices) await device.open();
  const [alice, bina] = devices as [StageDevice, StageDevice];
  return { alice, bina, conversation: store.open([...users]) };
}

t.test('a message reaches all participants, the sender too, and leaves the outbox', async (t) => {
  const { alice, bina, conversation } = await pair();
  const input = letter(conversation, alice.userId, { content: 'कस्तो छ? "ठीक"\n' });
  const sent = await send(edge, input);
  t.match(sent, { conversation_id: conversation, seq: 1, client_msg_id: input.client_msg_id });
  t.notOk('duplicate' in sent);
  await until('both have it', () => alice.events.length === 1 && bina.events.length === 1);
  t.same(bina.events[0], alice.events[0]);
  t.same(bina.events[0], {
    type: 'message',
    message_id: sent.message_id,
    conversation_id: conversation,
    seq: 1,
    sender_id: alice.userId,
    client_msg_id: input.client_msg_id,
    version: 1,
    content: input.content,
    message_type: 'text',
    sent_at: sent.sent_at,
  });
  await until('the outbox is empty', () => store.outbox.size === 0);
});

t.test('sends that wait go out as one append, in the order in which they came', async (t) => {
  const { alice, bina, conversation } = await pair();
  let release = (): void => undefined;
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const before = store.appends.length;
  store.before = (op) => (op === 'messages.append' ? blocked : undefined);
  const sends = Array.from({ length: 100 }, (_, index) =>
    send(edge, letter(conversation, alice.userId, { content: `${index}` })),
  );
  await until('the first waits', () => store.calls.at(-1) === 'messages.append');
  // The router reads an edge's requests in order, so it has read all sends once it answers this.
  const other = { user_id: alice.userId, conversation_id: store.open([alice.userId]) };
  await ask(edge, { op: 'read', ...other, seq: 1 });
  store.before = () => undefined;
  release();
  const answers = await Promise.all(sends);
  t.same(
    answers.map(({ seq }) => seq),
    answers.map((_, index) => index + 1),
  );
  const sizes = store.appends.slice(before).map(({ items }) => items.length);
  t.ok(sizes.length <= 4 && Math.max(...sizes) === 64, `${sizes}`);
  await until('all came', () => bina.events.length === 100);
  t.same(
    bina.events.map(({ content }) => content),
    answers.map((_, index) => `${index}`),
  );
});

t.test('a refused send does not hurt the sends that share its append', async (t) => {
  const { alice, bina, conversation } = await pair();
  const stranger = refusal(send(edge, letter(conversation, newId<UserId>())));
  const sent = send(edge, letter(conversation, bina.userId));
  t.equal((await stranger).code, 'NOT_A_PARTICIPANT');
  t.equal((await sent).seq, 1);
  await until('it came', () => alice.events.length === 1);
});

t.test('a new participant gets messages from the next one on, and a former one none', async (t) => {
  const { alice, bina, conversation } = await pair();
  const chandra = new StageDevice(edge, newId<UserId>());
  await chandra.open();
  await send(edge, letter(conversation, alice.userId));
  store.change(conversation, [alice.userId, chandra.userId]);
  await send(edge, letter(conversation, alice.userId));
  await until('all came', () => alice.events.length === 2 && chandra.events.length === 1);
  t.equal(chandra.events[0]?.seq, 2);
  t.equal(bina.events.length, 1);
});

t.test('a user who joins while an append is answered does not get its messages', async (t) => {
  const { alice, bina, conversation } = await pair();
  const chandra = new StageDevice(edge, newId<UserId>());
  await chandra.open();
  // The participants can be read only after the change.
  store.tellsParticipants = false;
  t.teardown(() => {
    store.tellsParticipants = true;
  });
  store.before = (op) => {
    if (op === 'conversations.participants') throw new Error('not now');
  };
  store.after = (op) => {
    if (op !== 'messages.append') return;
    store.before = () => undefined;
    store.after = () => undefined;
    store.change(conversation, [alice.userId, chandra.userId]);
  };
  await send(edge, letter(conversation, alice.userId));
  const { seq } = await send(edge, letter(conversation, alice.userId));
  await until('all came', () => alice.events.length === 2 && chandra.events.length === 1);
  t.same([seq, chandra.events[0]?.seq], [2, 2]);
  t.same(bina.events, [], 'the user who had left by then gets no message');
});

t.test('a repeated send is a duplicate, and finishes a fan-out that had not begun', async (t) => {
  const { alice, bina, conversation } = await pair();
  const input = letter(conversation, alice.userId);
  // The participants cannot be read, so the fan-out cannot start.
  store.tellsParticipants = false;
  t.teardown(() => {
    store.tellsParticipants = true;
  });
  store.before = (op) => {
    if (op === 'conversations.participants') throw new Error('not now');
  };
  const first = await send(edge, input);
  await until('asked in vain', () => store.count('conversations.participants') >= 1);
  t.equal(bina.events.length, 0);
  const again = await send(edge, input);
  store.before = () => undefined;
  t.same(again, { ...first, duplicate: true });
  await until('both have it', () => alice.events.length === 1 && bina.events.length === 1);
  await until('the outbox is empty', () => store.outbox.size === 0);
});

t.test('an append whose answer is lost ends with TIMEOUT and is still repaired', async (t) => {
  const { alice, bina, conversation } = await pair();
  store.after = (op) => (op === 'messages.append' ? new Promise(() => undefined) : undefined);
  const error = await refusal(send(edge, letter(conversation, alice.userId)));
  t.equal(error.code, 'TIMEOUT');
  store.after = () => undefined;
  store.age();
  await until('both have it', () => alice.events.length === 1 && bina.events.length === 1);
  await until('the outbox is empty', () => store.outbox.size === 0);
  t.equal((await send(edge, letter(conversation, bina.userId))).seq, 2);
});

t.test('a router that dies when an agent left leaves nobody with their presence', async (t) => {
  const { alice: agent, bina: customer, conversation } = await pair();
  const whole = store.record(conversation);
  const [, rest] = whole.participants;
  if (rest === undefined) throw new Error('two take part');
  const left = { ...whole, version: 7, participants: [{ ...rest, role: 'customer' as const }] };
  const event_id = newId<EventId>();
  // The change was committed, and its router has told nobody.
  const entry: OutboxEntry = {
    ...{ kind: 'conversation', change: 'assigned', closes_membership: true, version: 7 },
    ...{ event_id, conversation_id: conversation, user_ids: [agent.userId] },
    records: { [agent.userId]: left },
  };
  store.outbox.set(event_id, { entry, owedSince: 0, leasedUntil: 0 });
  await until('the agent is told', () => agent.events.length === 1);
  await until('the customer is told', () => customer.signals.length > 0);
  t.same(customer.signals, [{ kind: 'left' }]);
  t.same(customer.events, []);
  t.same(agent.signals, []);
});

t.test('a full mailbox refuses with RATE_LIMITED', async (t) => {
  const { alice, conversation } = await pair();
  let release = (): void => undefined;
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  store.before = () => blocked;
  let refused = 0;
  const sends = Array.from({ length: 400 }, () =>
    send(edge, letter(conversation, alice.userId)).then(
      () => 'sent',
      (error: KahaError) => {
        refused += 1;
        return error.code;
      },
    ),
  );
  await until('some are refused', () => refused > 0);
  store.before = () => undefined;
  release();
  const answers = await Promise.all(sends);
  t.ok(answers.includes('RATE_LIMITED'));
  t.ok(answers.filter((answer) => answer === 'sent').length >= 256);
  t.same([...new Set(answers)].sort(), ['RATE_LIMITED', 'sent']);
});

t.test('a send whose deadline is over is not carried out', async (t) => {
  const { alice, conversation } = await pair();
  const before = store.appends.length;
  const request = { op: 'message', ...letter(conversation, alice.userId) };
  const error = await refusal(edge.request('rpc.router.router-1', request, { timeoutMs: -1 }));
  t.equal(error.code, 'TIMEOUT');
  await send(edge, letter(conversation, alice.userId));
  t.equal(store.appends.length, before + 1);
});

t.test('while store is away sends fail with its error, and later they go on', async (t) => {
  const { alice, bina, conversation } = await pair();
  store.before = () => {
    throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
  };
  const input = letter(conversation, alice.userId);
  await t.rejects(send(edge, input), { code: 'DATABASE_UNAVAILABLE', retryAfterS: 2 });
  store.before = () => undefined;
  t.equal((await send(edge, input)).seq, 1);
  await until('it came', () => bina.events.length === 1);
});

t.test('a request outbox.done that fails is tried again', async (t) => {
  const { alice, conversation } = await pair();
  let failures = 0;
  store.before = (op) => {
    if (op !== 'outbox.done' || failures === 1) return;
    failures += 1;
    throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
  };
  await send(edge, letter(conversation, alice.userId));
  await until('struck off', () => store.outbox.size === 0);
  store.before = () => undefined;
  t.equal(failures, 1);
});

t.test('a router that closes answers the requests it took, and then nobody answers', async (t) => {
  const { alice, bina, conversation } = await pair();
  const left: string[] = [];
  edge.subscribe(subjects.routerLeaving, (msg: Msg) => left.push(msg.string()));
  await edge.nc.flush();
  let release = (): void => undefined;
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  store.before = () => blocked;
  const before = store.count('messages.append');
  const sends = Array.from({ length: 20 }, () => send(edge, letter(conversation, alice.userId)));
  await edge.nc.flush();
  await until('it waits in store', () => store.count('messages.append') > before);
  const closed = router.close();
  await until('it says that it leaves', () => left.length > 0);
  release();
  await closed;
  t.equal((await Promise.all(sends)).length, 20);
  t.same(left, [JSON.stringify({ instance: ROUTER })]);
  await until('all came', () => bina.events.length === 20);
  t.equal(store.outbox.size, 0);
  store.before = () => undefined;
  const nobody = { code: 'MESSAGING_UNAVAILABLE', message: 'Nobody answers' };
  await t.rejects(send(edge, letter(conversation, alice.userId)), nobody);
});
