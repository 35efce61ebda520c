import t from 'tap';
import { numbers } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const API = '/api/v1/conversations';
const AT_ONCE = 20;

t.test('a direct conversation that both ask for 20 times at once is made once', async (t) => {
  const [ann, bob] = await system.people(2);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  const answers = await Promise.all(
    numbers(1, AT_ONCE).map((n) => {
      const [one, other] = n % 2 === 0 ? [ann, bob] : [bob, ann];
      const body = { type: 'direct', participant_ids: [other.id] };
      return system.rest('POST', API, { token: one.token, body, edge: n % 4 < 2 ? 1 : 2 });
    }),
  );
  const id = answers[0]?.body.conversation_id as string;
  t.ok(answers.every(({ body }) => body.conversation_id === id));
  const statuses = answers.map(({ status }) => status).sort();
  t.same(statuses, [...numbers(1, AT_ONCE - 1).map(() => 200), 201]);
  await b.post(id, 'after');
  await Promise.all([a.messages(1), b.messages(1)]);
  for (const device of [a, b]) {
    const events = device.received.filter(({ type }) => type === 'conversation');
    t.match(events, [{ change: 'created', conversation: { conversation_id: id } }]);
    t.equal(events.length, 1, 'each device is told once');
  }
  const [row] = await system.sql('select count(*) from participants where user_id = any($1)', [
    [ann.id, bob.id],
  ]);
  t.equal(Number(row?.count), 2);
});

t.test('a socket and REST get the same direct conversation', async (t) => {
  const [ann, bob] = await system.people(2);
  const a = await system.connectNew(ann);
  const conversation = { type: 'direct', participant_ids: [bob.id] };
  const [first, second] = await Promise.all([
    a.ask({ type: 'create_conversation', conversation }),
    system.rest('POST', API, {
      ...{ token: bob.token, body: { ...conversation, participant_ids: [ann.id] } },
    }),
  ]);
  t.equal(first.data?.conversation_id, second.body.conversation_id);
});
