import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import t from 'tap';
import { freePorts } from '../../dev/processes/ports.ts';
import { programArgs } from '../../dev/processes/program.ts';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import { connectBus } from '../../shared/nats/bus.ts';
import { createAskStore } from '../../shared/nats/rpc-clients.ts';
import { createMetrics } from '../../shared/process/metrics.ts';
import { contentKeys, createTalk, letter, setStage, silent } from './stage/store-stage.ts';

const stage = await setStage(t);
const nats = await startNats();
const bus = await connectBus({
  url: nats.url,
  nkeySeed: nats.seeds.router as string,
  instance: 'router-1',
  logger: silent,
  metrics: createMetrics('test', 'router-1'),
});
const running: ChildProcess[] = [];
t.teardown(async () => {
  for (const child of running) child.kill('SIGKILL');
  await bus.close();
  await nats.stop();
});

async function start(instance: string): Promise<ChildProcess> {
  const [port] = (await freePorts(1)) as [number];
  const env = {
    INSTANCE: instance,
    NATS_URL: nats.url,
    NATS_NKEY_SEED: nats.seeds.store,
    ADMIN_PORT: `${port}`,
    LOG_HASH_KEY: randomBytes(24).toString('hex'),
    LOG_LEVEL: 'error',
    DATABASE_URL: stage.url,
    CONTENT_KEYS: contentKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
  };
  const args = programArgs('services/store/main.ts');
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  running.push(child);
  await untilReady(port);
  return child;
}

async function untilReady(port: number): Promise<void> {
  await until('the store is ready', async () => {
    const [result] = await Promise.allSettled([fetch(`http://127.0.0.1:${port}/readyz`)]);
    return result.status === 'fulfilled' && result.value.status === 200;
  });
}

t.test('sends survive the death of one of two stores, and each is written once', async (t) => {
  const [first] = await Promise.all([start('store-1'), start('store-2')]);
  const { id, alice } = await createTalk(stage.store);
  const ask = createAskStore(bus, 500);
  let sent = 0;
  const sendUntilOk = async (): Promise<number> => {
    const body = { conversation_id: id, items: [letter(alice)] };
    for (;;) {
      const [answer] = await Promise.allSettled([ask('messages.append', body)]);
      const result = answer.status === 'fulfilled' ? answer.value.results[0] : undefined;
      sent += 1;
      if (sent === 30) first.kill('SIGKILL');
      if (result?.ok) return result.seq;
    }
  };
  const seqs = await Promise.all(Array.from({ length: 100 }, sendUntilOk));
  t.same(
    seqs.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

t.test('after SIGTERM a store answers accepted requests and exits with status 0', async (t) => {
  const { id, alice } = await createTalk(stage.store);
  const ask = createAskStore(bus, 2_000);
  const sends = Array.from({ length: 50 }, () => {
    const body = { conversation_id: id, items: [letter(alice)] };
    return ask('messages.append', body);
  });
  const settled = Promise.allSettled(sends);
  await bus.nc.flush();
  const survivor = running[1] as ChildProcess;
  survivor.kill('SIGTERM');
  const [code] = await once(survivor, 'exit');
  t.equal(code, 0);
  const answers = await settled;
  const [row] = await stage.sql('select last_seq from conversations where conversation_id = $1', [
    id,
  ]);
  const written = answers.filter(({ status }) => status === 'fulfilled').length;
  t.match(row, { last_seq: written }, 'no message was written without an answer');
});
