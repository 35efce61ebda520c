import t from 'tap';
import { instancesOf, SERVICE_NAMES } from '../dev/stack/services.ts';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/**
 * The test plays sends and all their failures at the most talkative log level. Then it reads all
 * logs.
 */
const DEBUG = { LOG_LEVEL: 'trace' };
const COUNTS = { edges: 2, routers: 1, stores: 1 };
const system = await setStack(t, {
  ...{ ...COUNTS, areServersOwn: true },
  env: {
    ...Object.fromEntries(SERVICE_NAMES.map((service) => [service, DEBUG])),
    edge: { ...DEBUG, DRAIN_MS: '200' },
  },
});
const { canaries } = system;

let count = 0;
/**
 * Returns a text that the test recognises wherever it gets to, also cut short or in another
 * encoding.
 */
function secret(): string {
  count += 1;
  const text = `canary${count}sings`;
  canaries.add(text).add(Buffer.from(text).toString('base64').slice(0, 12));
  canaries.add(Buffer.from(text).toString('hex'));
  return text;
}

function key(): { client_msg_id: string } {
  const client_msg_id = newId<string>();
  canaries.add(client_msg_id).add(client_msg_id.toUpperCase());
  return { client_msg_id };
}

async function provokeErrors(client: Client, conversation: string): Promise<void> {
  const message = { type: 'message', conversation_id: conversation };
  const bad = [
    secret(),
    `{"type":"${secret()}"`,
    { type: secret() },
    { ...message, ...key(), content: secret(), [secret()]: secret() },
    { ...message, client_msg_id: secret(), content: secret() },
    {
      ...message,
      ...key(),
      content: secret(),
      metadata: { ['__proto__']: 1, [secret()]: secret() },
    },
    { ...message, ...key(), content: secret(), reply_to: key().client_msg_id },
  ];
  for (const frame of bad) {
    client.send(frame);
    await client.next('error');
  }
  await client.post(key().client_msg_id, secret(), key());
  await Promise.all(numbers(1, 40).map(() => client.post(conversation, secret(), key())));
}

t.test('sends are answered, errors are provoked and processes are killed', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const title = secret();
  const made = await system.rest('POST', '/api/v1/conversations', {
    token: ann.token,
    body: { type: 'group', participant_ids: [bob.id], title, description: secret() },
  });
  const conversation = made.body.conversation_id as string;
  canaries.add(conversation);
  const a = await system.connectNew(ann, { device: 'a' });
  const b = await system.connectNew(bob, { edge: 2, isAcking: false });
  const e = await system.connectNew(eve);
  const metadata = { [secret()]: secret() };
  const sent = await a.post(conversation, secret(), { ...key(), metadata });
  canaries.add(String(sent.data?.message_id));
  await b.messages(1);
  t.equal((await e.post(conversation, secret(), key())).error?.code, 'NOT_A_PARTICIPANT');
  await provokeErrors(a, conversation);
  await until('the rate allows a send again', async () => {
    return (await a.post(conversation, secret(), key())).type === 'reply';
  });
  await refuseInDatabase(a, conversation);
  await system.rest('GET', `/api/v1/conversations/${conversation}?x=${secret()}`, ann);
  await system.rest('GET', `/api/v1/${secret()}`, ann);
  await system.rest('POST', `/api/v1/conversations/${conversation}/messages`, {
    ...{ token: ann.token, body: `{"content":"${secret()}`, headers: { 'x-secret': secret() } },
  });
  await system.rest('GET', '/api/v1/conversations', { token: `${bob.token}${secret()}` });
  await t.rejects(system.socket({ authorization: `Bearer ${secret()}` }));
  await b.destroy();
  for (const name of ['postgres', 'store-1', 'router-1', 'nats']) {
    system.signal(name, 'SIGKILL');
    await a.post(conversation, secret(), key());
    await system.stack.start(name);
    await until(`${name} is back`, async () => {
      return (await a.post(conversation, secret(), key())).type === 'reply';
    });
  }
  // The loop above asks edge 1, and edge 2 may come back to NATS later.
  await until('edge 2 admits clients again', () =>
    system.connect(bob, { edge: 2 }).catch((error: unknown) => void error),
  );
  await system.history(bob, conversation);
  for (const name of ['edge-2', 'router-1', 'store-1']) await system.stack.stopProcess(name);
});

/** Makes the database refuse a row with an error whose own text holds the row. */
async function refuseInDatabase(client: Client, conversation: string): Promise<void> {
  const { client_msg_id } = key();
  const rule = `check (client_msg_id <> '${client_msg_id}') not valid`;
  await system.sql(`alter table message_keys add constraint poisoned ${rule}`);
  const answer = await client.post(conversation, secret(), { client_msg_id });
  if (answer.type !== 'error') throw new Error('not refused');
  await system.sql('alter table message_keys drop constraint poisoned');
}

t.test('every service has logged something', async (t) => {
  const logs = system.logs();
  for (const name of SERVICE_NAMES.flatMap((service) => instancesOf(service, COUNTS))) {
    t.match(logs.get(`${name}.log`), /"level"/, name);
  }
  t.match([...logs.values()].join('\n'), /"err":/, 'the service has logged an error');
});

t.test('no log holds a person, an id, a content or a token', async (t) => {
  t.ok(canaries.size > 150, `${canaries.size} canaries`);
  t.same(system.leaks(), []);
});
