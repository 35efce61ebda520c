import t from 'tap';
import { isAlive } from '../dev/processes/child.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Answer, Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

/**
 * Many users send the largest messages at once to devices that are there and to others that are
 * away, while Postgres and NATS are frozen. Router and store have a heap of 48 MB, so they must
 * refuse what they cannot hold.
 */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=48' };
const system = await setStack(t, {
  ...{ edges: 1, routers: 1, stores: 1, areServersOwn: true },
  env: { router: SMALL_HEAP, store: SMALL_HEAP },
});
const PAIRS = isSoak ? 150 : 24;
const BURST = 20;
const TYPED = /^(DATABASE_UNAVAILABLE|MESSAGING_UNAVAILABLE|TIMEOUT|RATE_LIMITED)$/;
const LARGEST = { content: '😀'.repeat(8_000), metadata: { x: 'x'.repeat(4_000) } };
const SETTLE_MS = 40_000;

type Pair = { id: string; people: [Person, Person]; clients: [Client, Client] };

/** The second person of each pair has a second device, which is away. */
async function makePair(people: [Person, Person]): Promise<Pair> {
  const [ann, bob] = people;
  const id = await system.conversation(people);
  const away = await system.connectNew(bob, { device: 'away' });
  const clients = await Promise.all([system.connectNew(ann), system.connectNew(bob)]);
  await away.close();
  return { id, people, clients };
}

const persons = await system.people(2 * PAIRS);
const pairs = await Promise.all(
  numbers(0, PAIRS - 1).map((n) => makePair(persons.slice(2 * n, 2 * n + 2) as [Person, Person])),
);
/** These were acknowledged, by conversation. */
const sent = new Map<string, string[]>(pairs.map(({ id }) => [id, []]));

type Answers = Record<string, number>;

/** Sends the largest message, and counts its answer. */
async function send({ id, clients }: Pair, sender: number, answers: Answers): Promise<void> {
  const client_msg_id = newId<string>();
  const frame = { type: 'message', client_msg_id, conversation_id: id, ...LARGEST };
  const { type, error }: Answer = await (clients[sender] as Client).ask(frame);
  if (type === 'reply') sent.get(id)?.push(client_msg_id);
  const how = type === 'reply' ? 'sent' : `${error?.code}`;
  const isUntold = /UNAVAILABLE/.test(how) && error?.retry_after === undefined;
  for (const one of isUntold ? [how, 'without retry_after'] : [how]) {
    answers[one] = (answers[one] ?? 0) + 1;
  }
}

/** Both people of each pair send all that they may at once. Returns how they were answered. */
async function flood(): Promise<Answers> {
  const answers: Answers = {};
  const sends = pairs.flatMap((pair) =>
    [0, 1].flatMap((sender) => numbers(1, BURST).map(() => send(pair, sender, answers))),
  );
  await Promise.all(sends);
  return answers;
}

for (const name of ['postgres', 'nats']) {
  t.test(`while ${name} is frozen, what has no room is refused`, async (t) => {
    system.signal(name, 'SIGSTOP');
    const thaw = setTimeout(() => system.signal(name, 'SIGCONT'), 1_800);
    const answers = await flood();
    clearTimeout(thaw);
    system.signal(name, 'SIGCONT');
    t.comment(answers);
    const refusals = Object.keys(answers).filter((how) => how !== 'sent');
    t.ok(refusals.length > 0, 'there is less room than messages');
    for (const how of refusals) t.match(how, TYPED);
    await until('a send is answered again', async () => {
      const [{ id, clients }] = pairs as [Pair];
      return (await clients[0].post(id, 'after')).type === 'reply';
    });
  });
}

t.test('everybody can send the largest message afterwards', async (t) => {
  const sendOne = async (pair: Pair, sender: number): Promise<void> => {
    const before = sent.get(pair.id)?.length;
    await until('it is acknowledged', async () => {
      await send(pair, sender, {});
      return sent.get(pair.id)?.length !== before;
    });
  };
  for (const sender of [0, 1]) await Promise.all(pairs.map((pair) => sendOne(pair, sender)));
  t.ok([...sent.values()].every(({ length }) => length >= 2));
});

t.test('the flood has ended no process and no socket', async (t) => {
  t.same(
    system.stack.processes.filter((one) => !isAlive(one)).map(({ name }) => name),
    [],
  );
  t.ok(pairs.every(({ clients }) => clients.every(({ isOpen }) => isOpen)));
});

t.test('nothing that was acknowledged is lost', async (t) => {
  const keys = [...sent.values()].flat();
  t.ok(keys.length > 0, `${keys.length} were acknowledged`);
  const rows = await system.sql('select from messages where client_msg_id = any($1::uuid[])', [
    keys,
  ]);
  t.equal(rows.length, keys.length, 'each is stored once');
  const lacks = (client: Client, id: string): string[] => {
    const held = new Set(client.messageEvents.map(({ client_msg_id }) => client_msg_id));
    return sent.get(id)?.filter((key) => !held.has(key)) ?? [];
  };
  await until(
    'devices that were there have all of it',
    () => pairs.every(({ id, clients }) => clients.every((one) => lacks(one, id).length === 0)),
    SETTLE_MS,
  );
  const back = await Promise.all(
    pairs.map(async ({ id, people: [, bob] }) => {
      const client = await system.connect(bob, { device: 'away' });
      await until('it has all of it', () => lacks(client, id).length === 0, SETTLE_MS);
      return client;
    }),
  );
  t.ok(
    back.every(({ received: [first] }) => first?.resumed === true),
    'no queue was voided',
  );
});
