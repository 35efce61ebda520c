import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import { steadyMs } from '../shared/process/clock.ts';
import { type PushedDevice, Pushes } from './push/pushes.ts';
import { type Person, setStack } from './stage/stack.ts';

/**
 * A service or NATS dies in the middle of a burst. Each device that is owed a push gets one that
 * tells of the last message, and no other device gets any.
 */
const counts = { edges: 1, routers: 2, stores: 1, pushes: 1 };
const system = await setStack(t, { ...counts, areServersOwn: true });
const pushes = new Pushes(system);
const PAIRS = isSoak ? 30 : 12;
const MESSAGES = 3;
/** NATS tells the next reader after 30 s what a killed one held. */
const BACK_MS = 120_000;

type Fate = 'told' | 'took' | 'read';
type Pair = {
  ann: Person;
  bob: Person;
  conversation: string;
  fate: Fate;
  phone: PushedDevice;
  /** The user read all of it before any device was due a push. */
  isReadInTime?: boolean;
};

async function pair(fate: Fate): Promise<Pair> {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const phone = await pushes.register(bob, 'phone');
  if (fate === 'took') await system.connectNew(bob);
  return { ann, bob, conversation, fate, phone };
}

/** Sends until it is stored, however often that takes, and returns the `seq`. */
async function send({ ann, conversation }: Pair, content: string): Promise<number> {
  const body = { client_msg_id: crypto.randomUUID(), content };
  const path = `/api/v1/conversations/${conversation}/messages`;
  return until(
    'a message is stored',
    async () => {
      const asked = system.rest('POST', path, { token: ann.token, body });
      return asked.then(
        (answer) => answer.status < 300 && (answer.body.seq as number),
        () => false,
      );
    },
    60_000,
  );
}

/** NATS that is killed loses who took what was sent just before. */
async function burst(harm: () => Promise<void>, keepsTakes = true): Promise<void> {
  const fates: Fate[] = ['told', 'took', 'read'];
  const all: Pair[] = [];
  for (let n = 0; n < PAIRS; n += 1) all.push(await pair(fates[n % 3] as Fate));
  const harming = delay(1_500).then(harm);
  const last = await Promise.all(
    all.map(async (one) => {
      let seq = 0;
      const beganMs = steadyMs();
      for (let n = 1; n <= MESSAGES; n += 1) {
        seq = await send(one, `message ${n}`);
        await delay(400);
      }
      if (one.fate === 'read') {
        const path = `/api/v1/conversations/${one.conversation}/messages?limit=1`;
        await until(
          'it is read',
          async () => {
            const found = await system.rest('GET', path, { token: one.bob.token });
            const [message] = (found.body.messages ?? []) as { message_id: string }[];
            const read = `/api/v1/messages/${message?.message_id}/read`;
            return (await system.rest('PUT', read, { token: one.bob.token })).status === 200;
          },
          60_000,
        );
        one.isReadInTime = steadyMs() - beganMs < 4_500;
      }
      return seq;
    }),
  );
  await harming;
  for (const [index, { fate, phone }] of all.entries()) {
    if (fate !== 'told') continue;
    const told = async () => {
      const alerts = (await pushes.of(phone)).filter(({ body }) => body !== undefined);
      return alerts.at(-1)?.data.seq === last[index];
    };
    await until('the device is told of the last message', told, BACK_MS);
  }
  for (const { fate, phone, isReadInTime } of all) {
    const alerts = (await pushes.of(phone)).filter(({ body }) => body !== undefined);
    const isSilent = (fate === 'took' && keepsTakes) || isReadInTime === true;
    t.ok(!isSilent || alerts.length === 0, `${fate}: ${JSON.stringify(alerts)}`);
    t.ok(new Set(alerts.map(({ thread }) => thread)).size <= 1, 'a repeat is not seen twice');
  }
}

t.test('push that is restarted in the middle of a burst forgets nothing', async () => {
  await burst(async () => {
    await system.stack.stopProcess('push-1');
    await system.stack.start('push-1');
  });
});

for (const name of ['push-1', 'router-1', 'nats']) {
  t.test(`kill -9 of ${name} in a burst loses no push`, { skip: !isSoak }, async () => {
    await burst(async () => {
      system.stack.kill(name);
      await system.stack.start(name);
    }, name !== 'nats');
  });
}
