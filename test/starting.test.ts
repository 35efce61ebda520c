import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { nkeys } from 'nats';
import t from 'tap';
import { freePorts } from '../dev/processes/ports.ts';
import { programArgs } from '../dev/processes/program.ts';
import { SERVICE_NAMES, type ServiceName } from '../dev/stack/services.ts';
import { startRedis } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';

/** These services start while nobody listens on the ports of their servers. */
const [nowhere] = (await freePorts(1)) as [number];
const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
const running: ChildProcess[] = [];
t.teardown(() => {
  for (const child of running) child.kill('SIGKILL');
});

const redis = { REDIS_URL: `redis://127.0.0.1:${nowhere}` };
const settings: Record<ServiceName, Record<string, string>> = {
  edge: {
    JWT_SECRET: randomBytes(24).toString('hex'),
    JWT_ALGORITHMS: 'HS256',
    PORT: '0',
    ...redis,
  },
  router: { QUEUE_SHARDS: '4' },
  store: {
    DATABASE_URL: `postgres://nobody@127.0.0.1:${nowhere}/none`,
    CONTENT_KEYS: `test:${randomBytes(32).toString('base64')}`,
    ...redis,
  },
  profiles: {
    KAHA_URL: `http://127.0.0.1:${nowhere}`,
    KAHA_SERVICE_TOKEN: randomBytes(24).toString('hex'),
    WEBHOOK_PORT: '0',
    ...redis,
  },
  retention: {},
  push: { PUSH_HASH_KEY: randomBytes(24).toString('hex') },
};

const mainArgs = (service: ServiceName) => programArgs(`services/${service}/main.ts`);

const envOf = (service: ServiceName, port: number): Record<string, string> => ({
  INSTANCE: `${service}-1`,
  NATS_URL: `nats://127.0.0.1:${nowhere}`,
  NATS_NKEY_SEED: seed,
  ADMIN_PORT: `${port}`,
  LOG_HASH_KEY: randomBytes(24).toString('hex'),
  LOG_LEVEL: 'silent',
  ...settings[service],
});

async function start(service: ServiceName): Promise<{ child: ChildProcess; admin: string }> {
  const [port] = (await freePorts(1)) as [number];
  const env = envOf(service, port);
  const child = spawn(process.execPath, mainArgs(service), { env, stdio: 'inherit' });
  running.push(child);
  return { child, admin: `http://127.0.0.1:${port}` };
}

for (const service of SERVICE_NAMES) {
  t.test(`${service} without its servers lives, is not ready, and ends on SIGTERM`, async (t) => {
    const { child, admin } = await start(service);
    const statusOf = (path: string) =>
      fetch(`${admin}${path}`).then(
        ({ status }) => status,
        () => undefined,
      );
    await until('the service lives', async () => (await statusOf('/livez')) === 200);
    t.equal(await statusOf('/readyz'), 503);
    t.equal(await statusOf('/metrics'), 200);
    child.kill('SIGTERM');
    t.same(await once(child, 'exit'), [0, null]);
  });

  t.test(`${service} without settings names all missing ones, and prints no stack`, async (t) => {
    const { ended, said } = await runToEnd(mainArgs(service), {});
    t.same(ended, [1, null]);
    t.match(said, /^Invalid configuration:\n {2}INSTANCE .*\n/);
    t.match(said, 'NATS_URL');
    t.notMatch(said, ' at ');
  });
}

/** Runs a program to its end, and returns how it ended and what it wrote to stderr. */
async function runToEnd(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, args, { env });
  running.push(child);
  let [said, logged] = ['', ''];
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  child.stdout.on('data', (chunk) => {
    logged += chunk;
  });
  return { ended: await once(child, 'close'), said, logged };
}

t.test('a service that is led to a Redis Cluster ends, and its log says why', async (t) => {
  const cluster = await startRedis({ isCluster: true });
  t.teardown(() => cluster.stop());
  const own = { REDIS_URL: cluster.url, LOG_LEVEL: 'info' };
  const env = { ...envOf('profiles', 0), ...own };
  const { ended, logged } = await runToEnd(mainArgs('profiles'), env);
  t.same(ended, [1, null]);
  t.match(logged, 'Redis Cluster, which is not supported');
});

/** Each command has bad settings, and gives this message for them. */
const commands: [program: string, env: Record<string, string>, message: string][] = [
  [
    'services/router/streams-main.ts',
    {
      NATS_URL: `nats://127.0.0.1:${nowhere}`,
      STREAM_REPLICAS: 'three',
      QUEUE_SHARDS: '0',
      EVENTS_MIB_MAX: '1',
      FEED_CONSUMERS: 'push,A.b',
    },
    `Invalid configuration:
  NATS_NKEY_SEED (or NATS_NKEY_SEED_FILE) is required
  QUEUE_SHARDS must be a whole number from 1 to 4096
  STREAM_REPLICAS must be a whole number from 1 to 5
  EVENTS_MIB_MAX must be a whole number from 16 to 1048576
  FEED_CONSUMERS must be at most 16 names that match ^[a-z][a-z0-9]{0,31}$
`,
  ],
  [
    'services/store/migrate-main.ts',
    { DATABASE_URL: 'mysql://127.0.0.1/none', DATABASE_POOL_MAX: '0' },
    `Invalid configuration:
  DATABASE_URL must be a URL that starts with postgres: or postgresql:
  DATABASE_POOL_MAX must be a whole number from 8 to 200
`,
  ],
];
for (const [program, env, message] of commands) {
  t.test(`${program} names all bad settings at once, and prints no stack`, async (t) => {
    const { ended, said } = await runToEnd(programArgs(program), env);
    t.same({ ended, said }, { ended: [1, null], said: message });
  });
}
