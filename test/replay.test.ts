import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';
import { append, connectAsRouter, itemOf } from './stage/store-bus.ts';

/**
 * A new device gets a replay of messages that no device of the user has received. The replay has
 * limits, and it says when they cut it short.
 */
const system = await shareStack(t);
const REPLAYED_MAX = 1_000;
const APPENDED_AT_ONCE = 50;

const bus = await connectAsRouter(system);
t.teardown(() => bus.close());

/** Commits this many messages of one person without a socket. */
async function write(userId: string, conversation: string, count: number): Promise<void> {
  for (let left = count; left > 0; left -= APPENDED_AT_ONCE) {
    const items = numbers(1, Math.min(left, APPENDED_AT_ONCE)).map(() =>
      itemOf(userId, newId(), 'appended'),
    );
    await append(bus, conversation, items);
  }
}

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  return { ann, bob, conversation };
}

const replayedOf = (client: Client) => client.messageEvents.filter(({ q }) => q === undefined);

t.test('of more than 1000 messages the oldest 1000 are replayed as incomplete', async (t) => {
  const { ann, bob, conversation } = await scene();
  await write(ann.id, conversation, REPLAYED_MAX + 20);
  const client = await system.connect(bob);
  t.match(await client.next('replay_end'), { complete: false });
  t.same(seqsOf(replayedOf(client)), numbers(1, REPLAYED_MAX));
  const rest = await client.ask({
    ...{ type: 'history', conversation_id: conversation, after_seq: REPLAYED_MAX },
  });
  t.same(seqsOf(rest.data?.messages as { seq: number }[]), numbers(1_001, 1_020));
});

t.test('the messages of several conversations are all replayed, each in order', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const conversations = [
    await system.conversation([ann, bob]),
    await system.conversation([eve, bob]),
    await system.conversation([ann, eve, bob]),
  ] as const;
  for (const _ of numbers(1, 3)) {
    for (const id of conversations) await write(id === conversations[1] ? eve.id : ann.id, id, 4);
  }
  const client = await system.connect(bob);
  t.match(await client.next('replay_end'), { complete: true });
  for (const id of conversations) {
    const events = replayedOf(client).filter((event) => event.conversation_id === id);
    t.same(seqsOf(events), numbers(1, 12));
  }
  const own = await system.connect(ann);
  await own.next('replay_end');
  t.same(
    new Set(replayedOf(own).map(({ sender_id }) => sender_id)),
    new Set(),
    'no user is sent their own messages',
  );
});

t.test('a message that is sent while a replay runs is not missed', async (t) => {
  const { ann, bob, conversation } = await scene();
  await write(ann.id, conversation, 600);
  const writer = await system.connect(ann);
  const sending = (async () => {
    for (const n of numbers(1, 15)) await writer.post(conversation, `live ${n}`);
  })();
  const client = await system.connect(bob, { edge: 2 });
  await client.next('replay_end');
  await sending;
  await writer.post(conversation, 'last');
  await client.next(({ content, q }) => content === 'last' && typeof q === 'number');
  const seqs = [...new Set(seqsOf(client.messageEvents))];
  t.same(
    seqs.sort((x, y) => x - y),
    numbers(1, 616),
  );
});

t.test('a device that leaves amid a replay is told and gets the replay again', async (t) => {
  const { ann, bob, conversation } = await scene();
  await write(ann.id, conversation, 800);
  const cut = await system.connect(bob, { isAcking: false });
  await cut.destroy();
  const back = await system.connect(bob);
  t.equal(back.received[0]?.resumed, true, 'the device queue exists');
  await back.next('resync');
  t.match(await back.next('replay_end'), { complete: true });
  t.same(seqsOf(replayedOf(back)), numbers(1, 800));
  await back.settled();
  await back.close();
  const again = await system.connect(bob);
  await again.settled();
  t.same(
    again.received.map(({ type }) => type),
    ['auth_ok', 'pong'],
    'whoever acknowledged the replay is not told again',
  );
});

t.test('a replay that is acknowledged is delivered, and comes only once', async (t) => {
  const { ann, bob, conversation } = await scene();
  await write(ann.id, conversation, 3);
  const a = await system.connect(ann);
  const first = await system.connect(bob, { isAcking: false });
  const { q } = await first.next('replay_end');
  await first.settled();
  t.notOk(a.received.some(({ type }) => type === 'receipt'));
  first.ack(Number(q));
  const receipt = { conversation_id: conversation, user_id: bob.id, delivered_seq: 3 };
  t.match(await a.next('receipt'), receipt);
  await until('the position is stored', async () => {
    const [message] = (await system.history(ann, conversation)) as unknown as { status: string }[];
    return message?.status === 'delivered';
  });
  const again = await system.connect(bob, { device: 'new-one' });
  await again.next('replay_end');
  t.same(replayedOf(again), []);
});

t.test('replayed messages equal those of the history to the letter', async (t) => {
  const { ann, bob, conversation } = await scene();
  const a = await system.connect(ann);
  const first = await a.post(conversation, '🙂 "quoted" \\ \u2028');
  const more = { reply_to: first.data?.message_id, metadata: { a: [1, null] } };
  await a.post(conversation, 'second', { ...more, message_type: 'file' });
  const client = await system.connectNew(bob);
  const history = await system.history(bob, conversation);
  t.equal(history.length, 2);
  t.equal(replayedOf(client).length, 2);
  for (const [index, { type, ...event }] of replayedOf(client).entries()) {
    t.equal(type, 'message');
    t.match(history[index], event);
  }
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
