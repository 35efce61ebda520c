import { connect, type Socket } from 'node:net';
import t from 'tap';
import { freePorts } from '../../dev/processes/ports.ts';
import { startNats } from '../../dev/testing/test-servers.ts';
import { until } from '../../dev/testing/until.ts';
import { startService } from './boot.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const nats = await startNats();
t.teardown(() => nats.stop());

const config = {
  instance: 'retention',
  nats: { url: nats.url, nkeySeed: nats.seeds.retention as string },
  admin: { host: '127.0.0.1', port: 0 },
  log: { level: 'silent', hashKey: 'k' },
};

const depsOf = () => ({ logger, metrics: createMetrics('test', 'retention') });

async function readyz(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  return { status: response.status, reason: (await response.text()).trim() };
}

t.test('a service is ready once it has started, unless it names a problem', async (t) => {
  let reason: string | undefined = 'no work yet';
  const service = await startService(config, depsOf(), async ({ connect }) => {
    await connect();
    return { problem: () => reason, port: 7 };
  });
  t.equal(service.port, 7, 'the result holds what the start returned');
  t.same(await readyz(service.adminPort), { status: 503, reason: 'no work yet' });
  reason = undefined;
  t.same(await readyz(service.adminPort), { status: 200, reason: 'ok' });
  await service.close();
  await t.rejects(readyz(service.adminPort), 'the admin port is closed');
});

t.test('an admin port holds 64 connections, so that files are left for the service', async (t) => {
  const service = await startService(config, depsOf(), async () => ({}));
  const silent = Array.from({ length: 70 }, () => connect(service.adminPort, '127.0.0.1'));
  const isOpen = (socket: Socket): boolean => socket.readyState === 'open';
  for (const socket of silent) socket.on('error', (error) => void error);
  await until('six are cut', () => silent.filter(isOpen).length === 64);
  for (const socket of silent) socket.destroy();
  const answers = (): Promise<boolean> =>
    readyz(service.adminPort).then(
      ({ status }) => status === 200,
      () => false,
    );
  t.ok(await until('the port answers again', answers));
  await service.close();
});

t.test(
  'a closing service says that it drains, and keeps NATS until its parts are closed',
  async (t) => {
    let isConnected: boolean | undefined;
    let answer: unknown;
    let port = 0;
    const service = await startService(
      config,
      depsOf(),
      async ({ connect, closers, isDraining }) => {
        const bus = await connect();
        closers.push('part', async () => {
          isConnected = bus.connected && isDraining();
          answer = await readyz(port);
        });
        return {};
      },
    );
    port = service.adminPort;
    await service.close();
    t.ok(isConnected);
    t.same(answer, { status: 503, reason: 'draining' });
  },
);

t.test('a start that fails closes the parts that it had opened', async (t) => {
  const closed: string[] = [];
  const starting = startService(config, depsOf(), async ({ connect, closers }) => {
    closers.push('database', () => void closed.push('database'));
    await connect();
    throw new Error('no streams');
  });
  await t.rejects(starting, { message: 'no streams' });
  t.same(closed, ['database']);
});

t.test('while a service starts, it says what it is about to do', async (t) => {
  const [port] = (await freePorts(1)) as [number];
  const seen: unknown[] = [];
  const service = await startService(
    { ...config, admin: { host: '127.0.0.1', port } },
    depsOf(),
    async ({ connect, begin }) => {
      seen.push(await readyz(port));
      await connect();
      begin('reading the queues');
      seen.push(await readyz(port));
      return {};
    },
  );
  t.same(seen, [
    { status: 503, reason: 'connecting' },
    { status: 503, reason: 'reading the queues' },
  ]);
  await service.close();
});
