import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Answer, Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/** Routers, stores and servers die in the middle of reads and acknowledgements. */
const system = await setStack(t, { edges: 1, routers: 2, stores: 2, areServersOwn: true });
const ROUNDS = isSoak ? 10 : 1;
const BETWEEN = 20;
const TALKS = 4;
const RETRY_MS = 100;
const REFUSALS = ['DATABASE_UNAVAILABLE', 'MESSAGING_UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED'];

const VICTIMS = [
  ['router-1'],
  ['store-1'],
  ['router-1', 'router-2'],
  ['store-1', 'store-2'],
  ['postgres'],
  ['nats'],
];

/** Asks again until the request is done. Any error but a passing failure ends the test. */
async function insist(client: Client, frame: Record<string, unknown>): Promise<Answer> {
  for (;;) {
    const answer = await client.ask(frame);
    if (answer.type === 'reply') return answer;
    if (!REFUSALS.includes(String(answer.error?.code))) throw new Error(JSON.stringify(answer));
    await delay(RETRY_MS);
  }
}

/** One person writes. The other acknowledges and reads every message until the talk is over. */
async function startTalk() {
  const [ann, bob] = await system.people(2);
  const conversation_id = await system.conversation([ann, bob]);
  const writer = await system.connectNew(ann);
  const reader = await system.connectNew(bob);
  const talk = { bob, conversation_id, sent: 0, read: 0, fell: 0, isOver: false };
  const run = async (): Promise<void> => {
    while (!talk.isOver) {
      const message = { type: 'message', client_msg_id: newId(), conversation_id, content: 'x' };
      const { data } = await insist(writer, message);
      talk.sent = Number(data?.seq);
      const frame = { type: 'read', conversation_id, seq: Math.max(1, talk.sent - 1) };
      const answer = await insist(reader, frame);
      const position = Number(answer.data?.last_read_seq);
      if (position < talk.read) talk.fell += 1;
      talk.read = position;
    }
  };
  const running = run();
  return { ...{ talk, running }, writer, reader };
}

for (const names of VICTIMS) {
  t.test(`positions are right when kill -9 takes ${names.join(' and ')}`, async (t) => {
    const talks = await Promise.all(numbers(1, TALKS).map(startTalk));
    const progress = async (): Promise<void> => {
      const goals = talks.map(({ talk }) => talk.read + BETWEEN);
      const isThere = () => talks.every(({ talk }, index) => talk.read >= (goals[index] as number));
      await until('the talks go on', isThere, 30_000);
    };
    for (const _ of numbers(1, ROUNDS)) {
      await progress();
      for (const name of names) system.signal(name, 'SIGKILL');
      if (names.length === 1 && names[0]?.endsWith('-1')) await progress();
      await Promise.all(names.map((name) => system.stack.start(name)));
      await progress();
    }
    for (const { talk, running, writer, reader } of talks) {
      talk.isOver = true;
      await running;
      const { conversation_id, sent, read, bob } = talk;
      await reader.messages(sent);
      const stored = async () => {
        const { data } = await insist(writer, { type: 'history', conversation_id, limit: 1 });
        const receipts = data?.receipts as { user_id: string }[];
        return receipts.find(({ user_id }) => user_id === bob.id) as unknown as {
          delivered_seq: number;
          read_seq: number;
        };
      };
      t.equal((await stored()).read_seq, read, 'the position that was answered is stored');
      t.equal(talk.fell, 0, 'the position never fell');
      const isDelivered = async () => (await stored()).delivered_seq === sent;
      await t.resolves(until('all that was acknowledged is delivered', isDelivered));
      await Promise.all([writer.close(), reader.close()]);
    }
  });
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
