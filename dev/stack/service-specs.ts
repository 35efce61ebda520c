import { join, resolve } from 'node:path';
import { TOKEN_TERMS } from '../kaha/token-mint.ts';
import type { ProcessSpec } from '../processes/child.ts';
import { programArgs } from '../processes/program.ts';
import type { Secrets } from '../servers/secrets.ts';

export type ServiceName = 'edge' | 'router' | 'store' | 'profiles' | 'retention';

/** All places are known before the first service starts. */
export type Places = {
  runDir: string;
  dataDir: string;
  nats: string;
  database: string;
  redis: string;
  kaha: string;
  seeds: Readonly<Record<string, string>>;
  secrets: Secrets;
  /** Tests add these variables to the environment of a service. */
  extraEnv: Readonly<Partial<Record<ServiceName, Record<string, string>>>>;
};

export const INBOX_SHARDS = '256';

type Instance = { service: ServiceName; number: number; adminPort: number; port?: number };

/** Returns how one instance of a service is started. */
export function serviceSpec(places: Places, instance: Instance): ProcessSpec {
  const { service, number, adminPort, port } = instance;
  const name = service === 'profiles' || service === 'retention' ? service : `${service}-${number}`;
  const spec: ProcessSpec = {
    name,
    service,
    command: process.execPath,
    args: ['--enable-source-maps', join('dist', 'services', service, 'main.js')],
    env: {
      ...commonEnv(places, { name, natsUser: service === 'edge' ? name : service }),
      ADMIN_PORT: String(adminPort),
      ...serviceEnv(places, service),
      ...(port !== undefined && { [portNameOf(service)]: String(port) }),
      ...places.extraEnv[service],
    },
    admin_port: adminPort,
    log: join(places.runDir, `${name}.log`),
    ready: { url: `http://127.0.0.1:${adminPort}/readyz` },
  };
  if (port !== undefined) spec.port = port;
  return spec;
}

/**
 * Returns the variable of the port. Clients reach an edge, and kaha-main-v3 posts its events to
 * profiles.
 */
function portNameOf(service: ServiceName): string {
  return service === 'profiles' ? 'WEBHOOK_PORT' : 'PORT';
}

/** Returns the environment of a set-up command (`migrate-main.js`, `streams-main.js`). */
export function commandEnv(places: Places, natsUser: string): Record<string, string> {
  return {
    ...commonEnv(places, { name: natsUser, natsUser }),
    ADMIN_PORT: '0',
    ...serviceEnv(places, 'store'),
    STREAM_REPLICAS: '1',
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
    NATS_URL: places.nats,
    NATS_NKEY_SEED: places.seeds[who.natsUser] ?? '',
    LOG_HASH_KEY: places.secrets.logHashKey,
    INBOX_SHARDS,
  };
}

function serviceEnv(places: Places, service: ServiceName): Record<string, string> {
  switch (service) {
    case 'edge':
      return {
        HOST: '127.0.0.1',
        REDIS_URL: places.redis,
        JWT_JWKS_URL: `${places.kaha}/.well-known/jwks.json`,
        JWT_ALGORITHMS: TOKEN_TERMS.algorithm,
        JWT_ISSUER: TOKEN_TERMS.issuer,
        JWT_AUDIENCE: TOKEN_TERMS.audience,
        ALLOWED_ORIGINS: 'http://localhost:*,http://127.0.0.1:*',
      };
    case 'store':
      return {
        DATABASE_URL: places.database,
        REDIS_URL: places.redis,
        CONTENT_KEYS: places.secrets.contentKeys,
      };
    case 'profiles':
      return {
        REDIS_URL: places.redis,
        KAHA_URL: places.kaha,
        KAHA_SERVICE_TOKEN: places.secrets.serviceToken,
      };
    default:
      return {};
  }
}
