import { join, resolve } from 'node:path';
import { natsUserOf } from '../../shared/contracts/permissions.ts';
import type { ProcessSpec } from '../processes/child.ts';
import { programArgs } from '../processes/program.ts';
import type { Instance } from './instances.ts';
import { type Places, SERVICES } from './services.ts';

/** Returns how one instance of a service is started. */
export function serviceSpec(places: Places, instance: Instance): ProcessSpec {
  const { service, name, adminPort, port } = instance;
  const { port: own, env } = SERVICES[service];
  return {
    name,
    service,
    command: process.execPath,
    args: ['--enable-source-maps', join('dist', 'services', service, 'main.js')],
    env: {
      ...commonEnv(places, { name, natsUser: natsUserOf(name) }),
      ADMIN_PORT: String(adminPort),
      ...env(places),
      ...(own !== undefined && { [own.variable]: String(port) }),
      ...places.extraEnv[service],
    },
    admin_port: adminPort,
    ...(port !== undefined && { port }),
    log: join(places.runDir, `${name}.log`),
    ready: { url: `http://127.0.0.1:${adminPort}/readyz` },
  };
}

/** Returns the environment of a set-up command (`migrate-main.js`, `streams-main.js`). */
export function commandEnv(places: Places, natsUser: string): Record<string, string> {
  return {
    ...commonEnv(places, { name: natsUser, natsUser }),
    ADMIN_PORT: '0',
    ...SERVICES.store.env(places),
    STREAM_REPLICAS: '1',
    PUSH_SHARES: places.push?.env.PUSH_SHARES ?? '0',
  };
}

/** Returns how the stand-in for kaha-main-v3 is started. */
export function kahaSpec(
  places: Places,
  { port, webhookPort }: { port: number; webhookPort: number },
): ProcessSpec {
  return {
    name: 'kaha',
    service: 'kaha',
    command: process.execPath,
    args: programArgs('dev/kaha/main.ts'),
    env: {
      KAHA_PORT: String(port),
      KAHA_WEBHOOK_URL: `http://127.0.0.1:${webhookPort}/webhooks/kaha`,
      KAHA_SERVICE_TOKEN: places.secrets.serviceToken,
      KAHA_KEY_FILE: resolve(places.dataDir, 'kaha-jwt-key.pem'),
      NATS_URL: places.nats,
      NATS_NKEY_SEED: places.seeds.kaha ?? '',
    },
    port,
    log: join(places.runDir, 'kaha.log'),
    ready: { url: `http://127.0.0.1:${port}/.well-known/jwks.json` },
  };
}

function commonEnv(
  places: Places,
  who: { name: string; natsUser: string },
): Record<string, string> {
  return {
    NODE_ENV: 'production',
    INSTANCE: who.name,
    NATS_URL: places.natsUrlFor(who.name, places.nats),
    NATS_NKEY_SEED: places.seeds[who.natsUser] ?? '',
    LOG_HASH_KEY: places.secrets.logHashKey,
    QUEUE_SHARDS: String(places.queueShards),
  };
}
