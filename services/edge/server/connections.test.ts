import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { freePorts } from '../../../dev/processes/ports.ts';
import { programArgs } from '../../../dev/processes/program.ts';
import { startRedis } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import { setStage } from '../stage/edge-stage.ts';
import { Connections, REFUSING_MAX } from './connections.ts';

const ROOM = { max: 100, closingMax: 0 };

t.test('connections count up to the maximum, and some more are told of it', async (t) => {
  const connections = new Connections(ROOM, () => undefined);
  for (let n = 0; n < 100; n += 1) t.ok(connections.opened());
  t.notOk(connections.isOver, 'the last one is kept');
  for (let n = 0; n < REFUSING_MAX; n += 1) t.ok(connections.opened());
  t.ok(connections.isOver);
  t.notOk(connections.opened(), 'this one is cut');
  connections.closed();
  t.equal(connections.open, 100 + REFUSING_MAX);
});

t.test('an edge that was full has room again once a part of it is free', async (t) => {
  const connections = new Connections(ROOM, () => undefined);
  for (let n = 0; n < 99; n += 1) connections.opened();
  t.notOk(connections.isFull);
  connections.opened();
  t.ok(connections.isFull);
  for (let n = 0; n < 4; n += 1) connections.closed();
  t.ok(connections.isFull, 'four places are too few');
  connections.opened();
  for (let n = 0; n < 2; n += 1) connections.closed();
  t.notOk(connections.isFull);
  connections.opened();
  t.notOk(connections.isFull, 'and it stays so until the edge is full again');
});

t.test('closed sockets that wait for their clients take room, as long as they do', async (t) => {
  let files = 30;
  const connections = new Connections(ROOM, () => files);
  for (let n = 0; n < 90; n += 1) connections.opened();
  for (let n = 0; n < 50; n += 1) connections.closing();
  files = 30 + 90 + 4;
  t.notOk(connections.isOver, 'the files tell that four are open still');
  files = 30 + 90 + 50;
  for (let n = 0; n < 50; n += 1) connections.closing();
  t.ok(connections.isOver, 'five seconds have not passed since the last measurement');

  const blind = new Connections(ROOM, () => undefined);
  blind.opened();
  for (let n = 0; n < 100; n += 1) blind.closing();
  t.ok(blind.isOver, 'where the system does not tell, each counts');
  const roomy = new Connections({ max: 100, closingMax: 100 }, () => undefined);
  roomy.opened();
  for (let n = 0; n < 100; n += 1) roomy.closing();
  t.notOk(roomy.isOver, 'there are more files than connections');
});

t.test(
  'a flood of silent connections keeps an edge neither from NATS nor from Redis',
  async (t) => {
    const FILES = 600;
    const KEPT = 512;
    const [stage, redis] = await Promise.all([setStage(), startRedis()]);
    t.teardown(() => Promise.all([stage.close(), redis.stop()]));
    await stage.startRouter();
    const [port, adminPort] = (await freePorts(2)) as [number, number];
    const args = programArgs('services/edge/main.ts');
    const command = `ulimit -n ${FILES} && exec "$0" "$@"`;
    const child = spawn('sh', ['-c', command, process.execPath, ...args], {
      env: {
        ...{ INSTANCE: 'edge-1', HOST: '127.0.0.1', PORT: `${port}`, ADMIN_PORT: `${adminPort}` },
        ...{ NATS_URL: stage.nats.url, NATS_NKEY_SEED: stage.nats.seeds['edge-1'] },
        ...{ REDIS_URL: redis.url, JWT_SECRET: randomBytes(24).toString('hex') },
        LOG_HASH_KEY: randomBytes(24).toString('hex'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    let log = '';
    child.stdout.on('data', (chunk) => {
      log += chunk;
    });
    const readyz = (): Promise<string> =>
      fetch(`http://127.0.0.1:${adminPort}/readyz`).then(
        (answer) => answer.text(),
        () => '',
      );
    const is = async (reason: string): Promise<boolean> => (await readyz()).includes(reason);
    await until('the edge is ready', () => is('ok'));

    const flood = floodWith(port, 500);
    await until('the edge is full', () => is(`all ${FILES - KEPT} connections are taken`));
    await stage.nats.kill();
    await until('NATS is away', () => is('NATS is not connected'));
    await stage.nats.restart();
    await until('NATS is back', () => is('connections are taken'));
    await redis.kill();
    await until('Redis is away', () => log.includes('redis is away'));
    await redis.restart();
    await until('Redis is back', () => log.includes('redis is back'));
    flood.end();
    await until('the edge has room', () => is('ok'));
    child.kill('SIGTERM');
    t.same(await ended, [0, null]);
  },
);

const AGAIN_MS = 100;

/** Keeps so many connections open or under way, and sends nothing on them. */
function floodWith(port: number, count: number): { end(): void } {
  const sockets = new Set<Socket>();
  let isOver = false;
  const open = (): void => {
    const socket = connect(port, '127.0.0.1');
    sockets.add(socket);
    socket.on('error', (error) => void error);
    socket.once('close', () => {
      sockets.delete(socket);
      if (!isOver) setTimeout(open, AGAIN_MS);
    });
  };
  for (let n = 0; n < count; n += 1) open();
  return {
    end() {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
