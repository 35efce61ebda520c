import t from 'tap';
import { until } from '../dev/testing/until.ts';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/** Processes die before a device has heard that its queue is new. */
const system = await setStack(t, { edges: 2, routers: 1, stores: 1 });
/** A queue sends again what a dead edge did not acknowledge after 10 s. */
const AGAIN_MS = 15_000;

const typesOf = ({ received }: Client): string[] => received.map(({ type }) => type);

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const a = await system.connectNew(ann, { edge: 2 });
  for (const n of numbers(1, 3)) await a.post(conversation, `${n}`);
  return { bob, conversation, a };
}

t.test('a device whose edge dies before it acknowledged the replay is told again', async (t) => {
  const { bob, conversation, a } = await scene();
  const first = await system.connect(bob, { isAcking: false });
  t.equal(first.received[0]?.resumed, false);
  await first.next('replay_end');
  system.signal('edge-1', 'SIGKILL');
  await first.closed;
  const second = await system.connect(bob, { edge: 2, isAcking: false });
  t.equal(second.received[0]?.resumed, true);
  await second.next('resync', AGAIN_MS);
  const { q } = await second.next('replay_end');
  t.same(seqsOf(second.messageEvents), numbers(1, 3));
  t.notOk(typesOf(a).includes('receipt'), 'nobody has them yet');
  second.ack(Number(q));
  t.match(await a.next('receipt'), { conversation_id: conversation, delivered_seq: 3 });
  await second.settled();
  await second.close();
  const third = await system.connect(bob, { edge: 2 });
  t.equal(third.received[0]?.resumed, true);
  await third.settled();
  t.same(typesOf(third), ['auth_ok', 'pong'], 'nothing is told or replayed again');
  await system.stack.start('edge-1');
});

t.test('a router that knows nothing resumes only who acknowledged the replay', async (t) => {
  const [{ bob: told }, { bob: untold }] = [await scene(), await scene()];
  const knows = await system.connectNew(told, { edge: 2 });
  await knows.settled();
  await knows.close();
  const left = await system.connect(untold, { edge: 2, isAcking: false });
  await left.next('replay_end');
  await left.close();
  system.signal('router-1', 'SIGKILL');
  await system.stack.start('router-1');
  await until('sessions open', async () => {
    const { status } = await system.rest('GET', '/readyz', { edge: 2 });
    return status !== 503;
  });
  const [one, two] = [
    await system.connect(told, { edge: 2 }),
    await system.connect(untold, { edge: 2 }),
  ];
  await one.settled();
  t.same(typesOf(one), ['auth_ok', 'pong']);
  t.equal(one.received[0]?.resumed, true);
  t.equal(two.received[0]?.resumed, false);
  await two.next('replay_end');
  t.same(seqsOf(two.messageEvents), numbers(1, 3));
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
