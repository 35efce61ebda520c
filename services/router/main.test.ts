import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import t from 'tap';
import { freePorts } from '../../dev/processes/ports.ts';
import { programArgs } from '../../dev/processes/program.ts';
import { until } from '../../dev/testing/until.ts';
import { newId, type UserId } from '../../shared/ids.ts';
import { letter, SHARDS, StageDevice, send, setStage, untilReady } from './stage/router-stage.ts';

const stage = await setStage();
const { edge, store, nats } = stage;
const running: ChildProcess[] = [];
t.teardown(async () => {
  for (const child of running) child.kill('SIGKILL');
  await stage.close();
});

async function start(instance: string): Promise<ChildProcess> {
  const [port] = await freePorts(1);
  const env = {
    INSTANCE: instance,
    NATS_URL: nats.url,
    NATS_NKEY_SEED: nats.seeds.router,
    ADMIN_PORT: `${port}`,
    LOG_HASH_KEY: randomBytes(24).toString('hex'),
    LOG_LEVEL: 'error',
    QUEUE_SHARDS: `${SHARDS}`,
  };
  const args = programArgs('services/router/main.ts');
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  running.push(child);
  await untilReady(port as number);
  return child;
}

t.test('a router that is killed in the middle of its sends loses none of them', async (t) => {
  const [alice, bina] = [newId<UserId>(), newId<UserId>()];
  const conversation = store.open([alice, bina]);
  const first = await start('router-1');
  const device = new StageDevice(edge, bina);
  await device.open();
  store.after = (op) => {
    // The router dies when messages are committed and their answer is on its way.
    if (op === 'messages.append' && store.sent(conversation).length >= 20) first.kill('SIGKILL');
  };
  const sends = Promise.allSettled(
    Array.from({ length: 40 }, (_, index) =>
      send(edge, letter(conversation, alice, { content: `${index}` })),
    ),
  );
  await once(first, 'exit');
  store.after = () => undefined;
  await start('router-2');
  store.age();
  const seqs = () => new Set(device.events.map(({ seq }) => seq));
  await until('all came', () => seqs().size === store.sent(conversation).length);
  await until('the outbox is empty', () => store.outbox.size === 0);
  t.ok(seqs().size >= 20);
  await sends;
});

t.test('SIGTERM ends a router with status 0', async (t) => {
  const child = await start('router-3');
  child.kill('SIGTERM');
  t.same(await once(child, 'exit'), [0, null]);
});
