import t from 'tap';
import { startStopwatch } from '../dev/testing/stopwatch.ts';
import { until } from '../dev/testing/until.ts';
import type { Client, Frame } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

/** The scene has Ann and Bob, their conversation, and a socket with which Ann writes. */
async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const writer = await system.connectNew(ann, { edge: 2 });
  const write = async (from: number, to: number): Promise<void> => {
    for (const n of numbers(from, to)) {
      const answer = await writer.post(conversation, `message ${n}`);
      if (answer.type !== 'reply') throw new Error(JSON.stringify(answer));
    }
  };
  return { ann, bob, conversation, writer, write };
}

/** Positions of others may lag by 2 s by the contract, and longer on a busy machine. */
const POSITIONS_LAG_MS = 4_000;

const resumedOf = (client: Client): unknown => client.received[0]?.resumed;
const contentsOf = (client: Client): string[] => client.messageEvents.map((e) => e.content);
const named = (from: number, to: number): string[] => numbers(from, to).map((n) => `message ${n}`);

t.test('a device that was away is resumed and gets all that it missed, in order', async (t) => {
  const { bob, write } = await scene();
  const before = await system.connectNew(bob);
  await write(1, 3);
  await before.messages(3);
  await before.settled();
  await before.close();
  await write(4, 12);
  const back = await system.connect(bob, { edge: 2 });
  t.equal(resumedOf(back), true);
  await back.messages(9);
  t.same(contentsOf(back), named(4, 12));
  t.notOk(back.received.some(({ type }) => type === 'replay_end'));
  await back.settled();
  await back.close();
  const last = await system.connect(bob);
  t.equal(resumedOf(last), true);
  await write(13, 13);
  await last.messages(1);
  t.same(contentsOf(last), named(13, 13), 'no message comes twice');
});

t.test('a new device gets a replay of undelivered messages and then replay_end', async (t) => {
  const { bob, write } = await scene();
  await write(1, 5);
  const fresh = await system.connect(bob, { device: 'new-one' });
  t.equal(resumedOf(fresh), false);
  t.match(await fresh.next('replay_end'), { complete: true });
  const replayed = fresh.messageEvents;
  t.same(seqsOf(replayed), numbers(1, 5));
  t.ok(
    replayed.every(({ q }) => q === undefined),
    'replayed messages have no q',
  );
  await write(6, 6);
  const [last] = (await fresh.messages(6)).slice(-1);
  t.equal(last?.content, 'message 6');
  t.type(last?.q, 'number');
});

t.test("a new device is not sent what the user's other device has received", async (t) => {
  const { bob, write, conversation } = await scene();
  const first = await system.connectNew(bob, { device: 'first' });
  await write(1, 3);
  await first.messages(3);
  await until(
    'the positions are stored',
    () => isDelivered(bob, conversation, 3),
    POSITIONS_LAG_MS,
  );
  const second = await system.connectNew(bob, { device: 'second' });
  t.same(contentsOf(second), []);
  await first.close();
});

async function isDelivered(person: Person, conversation: string, seq: number) {
  const path = `/api/v1/conversations/${conversation}`;
  const { body } = await system.rest('GET', path, { token: person.token });
  const people = body.participants as { user_id: string; delivered_seq: number }[];
  return people.some((one) => one.user_id === person.id && one.delivered_seq === seq);
}

t.test('resync at the connect empties the device queue and replays', async (t) => {
  const { bob, write } = await scene();
  const before = await system.connectNew(bob);
  await before.close();
  await write(1, 4);
  const again = await system.connect(bob, { resync: true });
  t.equal(resumedOf(again), false);
  await again.next('replay_end');
  t.same(seqsOf(again.messageEvents), numbers(1, 4));
  await write(5, 5);
  t.same(seqsOf(await again.messages(5)), numbers(1, 5), 'nothing of the old queue comes');
});

t.test('resync on an open socket replays too, and the socket stays open', async (t) => {
  const { bob, write } = await scene();
  const client = await system.connectNew(bob, { isAcking: false });
  await write(1, 3);
  await client.messages(3);
  client.send({ type: 'auth', id: 'again', token: bob.token, resync: true });
  t.match(await client.next('auth_ok'), { id: 'again', resumed: false });
  await client.next('replay_end');
  t.same(seqsOf(client.messageEvents), [1, 2, 3, 1, 2, 3]);
  client.isAcking = true;
  await write(4, 4);
  await client.messages(7);
  await client.settled();
  await client.close();
  const back = await system.connect(bob);
  t.equal(resumedOf(back), true);
  await write(5, 5);
  t.same(seqsOf(await back.messages(1)), [5]);
});

const ENDINGS: [string, (client: Client, bob: Person) => Promise<unknown>][] = [
  ['a clean close', (client) => client.close()],
  ['a cut connection', (client) => client.destroy()],
  ['a replacement', () => Promise.resolve()],
];
for (const [name, end] of ENDINGS) {
  t.test(`unacknowledged events come again first and in order after ${name}`, async (t) => {
    const { bob, write } = await scene();
    const before = await system.connectNew(bob, { isAcking: false });
    await write(1, 10);
    const events = await before.messages(10);
    before.ack(events[3]?.q ?? 0);
    await before.settled();
    await end(before, bob);
    const back = await system.connect(bob, { edge: 2, isAcking: false });
    t.equal(resumedOf(back), true);
    await write(11, 12);
    const watch = startStopwatch();
    const again = await back.messages(8);
    t.same(seqsOf(again), numbers(5, 12));
    t.same(
      again.map(({ q }) => q),
      numbers(1, 8),
      'q counts from 1 in the new session',
    );
    t.ok(watch.stop() < 5_000, 'the events come at once, not after ack_wait');
    back.ack(8);
    await back.settled();
    await back.close();
    const last = await system.connect(bob);
    await write(13, 13);
    t.same(seqsOf(await last.messages(1)), [13], 'acknowledged events do not come again');
  });
}

t.test('an ack beyond the highest q acknowledges all so far and nothing later', async (t) => {
  const { bob, write } = await scene();
  const before = await system.connectNew(bob, { isAcking: false });
  await write(1, 3);
  await before.messages(3);
  before.ack(1_000_000);
  before.ack(1_000_001);
  before.ack(2);
  before.ack(0);
  await before.settled();
  await write(4, 6);
  await before.messages(6);
  await before.close();
  const back = await system.connect(bob);
  t.same(seqsOf(await back.messages(3)), [4, 5, 6]);
  t.notOk(before.received.some(({ type }) => type === 'error'));
});

t.test('the queue pauses at 256 unacknowledged events until the next ack', async (t) => {
  const people = await system.people(8);
  const conversation = await system.conversation(people);
  const [bob, ...writers] = people;
  const reader = await system.connectNew(bob, { isAcking: false });
  const clients = await Promise.all(writers.map((writer) => system.connectNew(writer)));
  const earlier = reader.received.filter(({ q }) => typeof q === 'number').length;
  reader.ack(earlier);
  await Promise.all(clients.map((client) => postPaced(client, conversation, 40)));
  const full = (frame: Frame): boolean => frame.q === earlier + 256;
  await reader.next(full);
  await reader.settled();
  t.equal(reader.messageEvents.length, 256);
  reader.isAcking = true;
  reader.ack(earlier + 1);
  t.same(seqsOf(await reader.messages(280)), numbers(1, 280));
});

/** Sends within the rate of one user. It waits as long as a refusal says. */
async function postPaced(client: Client, conversation: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; ) {
    const answer = await client.post(conversation, `paced ${sent}`);
    if (answer.type === 'reply') sent += 1;
    const waitMs = 1_000 * (answer.error?.retry_after ?? 0);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
