import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { launch, type ProcessSpec, stop, untilReady } from '../../../dev/processes/child.ts';
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

t.test('silent connections keep an edge neither from NATS nor from Redis', async (t) => {
  t.setTimeout(4 * WAIT_MS);
  const dir = mkdtempSync(join(tmpdir(), 'kaha-edge-'));
  const [stage, redis] = await Promise.all([setStage(), startRedis()]);
  await Promise.all([stage.startRouter(), stage.serveErased()]);
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const readyz = `http://127.0.0.1:${adminPort}/readyz`;
  const limited = `ulimit -n ${FILES} && exec "$0" "$@"`;
  const spec: ProcessSpec = {
    ...{ name: 'edge-1', service: 'edge', command: 'sh', log: join(dir, 'edge.log') },
    args: ['-c', limited, process.execPath, ...programArgs('services/edge/main.ts')],
    env: {
      ...{ INSTANCE: 'edge-1', HOST: '127.0.0.1', PORT: `${port}`, ADMIN_PORT: `${adminPort}` },
      ...{ NATS_URL: stage.nats.url, NATS_NKEY_SEED: stage.nats.seeds['edge-1'] as string },
      ...{ REDIS_URL: redis.url, JWT_SECRET: randomBytes(24).toString('hex') },
      LOG_HASH_KEY: randomBytes(24).toString('hex'),
    },
    ready: { url: readyz },
  };
  const edge = launch(spec, { bound: true });
  const flood = new Flood(port);
  t.teardown(async () => {
    flood.end();
    await stop(edge);
    await Promise.all([stage.close(), redis.stop()]);
    rmSync(dir, { recursive: true });
  });
  const tells = (reason: string): Promise<unknown> =>
    until(reason, async () => (await (await fetch(readyz)).text()).includes(reason), WAIT_MS);
  const logs = (text: string): Promise<unknown> =>
    until(text, () => readFileSync(edge.log, 'utf8').includes(text), WAIT_MS);
  await untilReady(edge, WAIT_MS);

  flood.begin(500);
  await tells(`all ${FILES - KEPT} connections are taken`);
  await stage.nats.kill();
  await tells('NATS is not connected');
  await stage.nats.restart();
  await tells('connections are taken');
  await redis.kill();
  await logs('redis is away');
  await redis.restart();
  await logs('redis is back');
  flood.end();
  t.ok(await tells('ok'), 'the edge has room again');
});

/** A busy machine may take this long for one step. */
const WAIT_MS = 60_000;
const FILES = 600;
/** An edge keeps so many files for other things than connections. */
const KEPT = 512;
const AGAIN_MS = 100;

/** Keeps connections open or under way, and sends nothing on them. */
class Flood {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #isOver = false;

  constructor(port: number) {
    this.#port = port;
  }

  begin(count: number): void {
    for (let n = 0; n < count; n += 1) this.#open();
  }

  end(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(): void {
    if (this.#isOver) return;
    const socket = connect(this.#port, '127.0.0.1');
    this.#sockets.add(socket);
    socket.on('error', (error) => void error);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      setTimeout(() => this.#open(), AGAIN_MS);
    });
  }
}
