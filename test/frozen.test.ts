import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { askAll } from './stage/ask-all.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/**
 * A frozen process (SIGSTOP) answers nothing and refuses nothing, which is the worst kind of
 * failure.
 */
const system = await setStack(t, { edges: 2, routers: 1, stores: 1, areServersOwn: true });
const ANSWER_MS_MAX = 5_000;
const TYPED = /^(DATABASE_UNAVAILABLE|MESSAGING_UNAVAILABLE|TIMEOUT)$/;

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  await a.post(conversation, 'before');
  await b.messages(1);
  return { ann, bob, conversation, a, b };
}

for (const name of ['postgres', 'store-1', 'router-1', 'nats']) {
  t.test(`while ${name} is frozen, every request gets a typed answer in time`, async (t) => {
    const { ann, bob, conversation, a, b } = await scene();
    system.signal(name, 'SIGSTOP');
    for (const round of [1, 2]) {
      const answers = await askAll(system, { client: a, person: ann, conversation });
      for (const { name: what, code, tookMs } of answers) {
        // Edges read from store, without a router.
        const isServed = name === 'router-1' && /history|conversation/.test(what);
        t.match(code, isServed ? 'none' : TYPED, `${what} ${round}: ${code}`);
        t.ok(tookMs <= ANSWER_MS_MAX, `${what} ${round}: ${tookMs} ms`);
      }
    }
    await a.settled();
    system.signal(name, 'SIGCONT');
    await until('a send is answered again', async () => {
      return (await a.post(conversation, 'after')).type === 'reply';
    });
    await b.next(({ content }) => content === 'after');
    // The outbox still owes the messages that were committed without an answer. A router repairs
    // them once they are 5 s old.
    const history = await until('the device has all of the history', async () => {
      const messages = await system.history(bob, conversation);
      const delivered = new Set(seqsOf(b.messageEvents));
      return messages.every(({ seq }) => delivered.has(seq)) && messages;
    });
    t.same(seqsOf(history), numbers(1, history.length), 'the history has no gap');
    t.equal(new Set(seqsOf(b.messageEvents)).size, history.length, 'nothing else was delivered');
  });
}

t.test('a frozen edge takes no event from a device that has moved to another edge', async (t) => {
  const { bob, conversation, a } = await scene();
  const frozen = await system.connect(bob, { edge: 2, device: 'phone', isAcking: false });
  await a.post(conversation, 'one');
  await frozen.messages(1);
  system.signal('edge-2', 'SIGSTOP');
  for (const n of numbers(1, 5)) await a.post(conversation, `unseen ${n}`);
  const startedAt = Date.now();
  const back = await system.connect(bob, { edge: 1 });
  t.ok(Date.now() - startedAt < 2_000, 'the other edge does not wait for the frozen one');
  t.equal(back.received[0]?.resumed, true);
  for (const n of numbers(6, 8)) await a.post(conversation, `unseen ${n}`);
  const seqs = () => new Set(seqsOf(back.messageEvents));
  await until('the device has all messages', () => seqs().size === 9, 25_000);
  t.same(
    [...seqs()].sort((x, y) => x - y),
    numbers(2, 10),
  );
  system.signal('edge-2', 'SIGCONT');
  t.match(await frozen.closed, { code: 4505 });
  await a.post(conversation, 'last');
  await back.next(({ content }) => content === 'last');
});

t.test('an edge that thaws gives its device the messages that came meanwhile', async (t) => {
  const { bob, conversation, a } = await scene();
  const client = await system.connect(bob, { edge: 2, device: 'phone' });
  system.signal('edge-2', 'SIGSTOP');
  for (const n of numbers(1, 5)) await a.post(conversation, `${n}`);
  system.signal('edge-2', 'SIGCONT');
  const events = await client.messages(5);
  t.same(seqsOf(events), numbers(2, 6));
  t.ok(client.isOpen);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
