import type { NatsUserKind } from '../../shared/contracts/traffic.ts';
import { TOKEN_TERMS } from '../kaha/token-mint.ts';
import type { Secrets } from '../servers/secrets.ts';
import type { PushPlaces } from './push-spec.ts';

/**
 * Each kind of NATS user is a service, but for consumers of the feed, the stand-in, and the command
 * that makes streams.
 */
export type ServiceName = Exclude<NatsUserKind, 'feed' | 'kaha' | 'setup'>;

/** The options of a stack say how many instances of these services run. */
export type InstanceCounts = { edges: number; routers: number; stores: number; pushes?: number };

/** All places are known before the first service starts. */
export type Places = {
  runDir: string;
  dataDir: string;
  nats: string;
  database: string;
  redis: string;
  kaha: string;
  /** Device queues are divided over so many streams. */
  queueShards: number;
  seeds: Readonly<Record<string, string>>;
  secrets: Secrets;
  /** Is undefined if push does not run. */
  push: PushPlaces | undefined;
  /** Tests add these variables to the environment of a service. */
  extraEnv: Readonly<Partial<Record<ServiceName, Record<string, string>>>>;
  /** Returns the address at which the process of this name reaches the NATS at `url`. */
  natsUrlFor: (process: string, url: string) => string;
};

type ServiceRow = {
  /** The option names the number of instances. A service with `one` runs once, without a number. */
  instances: keyof InstanceCounts | 'one';
  /** Services of one rank start together, once all services of the lower ranks are ready. */
  startRank: number;
  /**
   * The service reads from this variable which port it listens on, besides its admin port. The port
   * is free, or the options of the stack give it.
   */
  port?: { variable: 'PORT' | 'WEBHOOK_PORT'; from: 'options' | 'free' };
  /** The service gets these variables besides those that all services get. */
  env(places: Places): Record<string, string>;
};

/**
 * This is the one table of the services that a stack runs. Names, ports and environments of the
 * instances derive from it, and so do the orders of starting and stopping.
 */
export const SERVICES: Readonly<Record<ServiceName, ServiceRow>> = {
  store: {
    instances: 'stores',
    startRank: 1,
    env: ({ database, redis, secrets }) => ({
      DATABASE_URL: database,
      REDIS_URL: redis,
      CONTENT_KEYS: secrets.contentKeys,
    }),
  },
  profiles: {
    instances: 'one',
    startRank: 1,
    // kaha-main-v3 posts its events to this port.
    port: { variable: 'WEBHOOK_PORT', from: 'free' },
    env: ({ redis, kaha, secrets }) => ({
      REDIS_URL: redis,
      KAHA_URL: kaha,
      KAHA_SERVICE_TOKEN: secrets.serviceToken,
    }),
  },
  retention: { instances: 'one', startRank: 2, env: () => ({}) },
  router: { instances: 'routers', startRank: 2, env: () => ({}) },
  push: { instances: 'pushes', startRank: 3, env: ({ push }) => push?.env ?? {} },
  edge: {
    instances: 'edges',
    startRank: 3,
    port: { variable: 'PORT', from: 'options' },
    env: ({ redis, kaha, secrets }) => ({
      HOST: '127.0.0.1',
      REDIS_URL: redis,
      JWT_JWKS_URL: `${kaha}/.well-known/jwks.json`,
      JWT_ALGORITHMS: TOKEN_TERMS.algorithm,
      JWT_ISSUER: TOKEN_TERMS.issuer,
      JWT_AUDIENCE: TOKEN_TERMS.audience,
      SERVICE_TOKENS: secrets.edgeServiceToken,
      ALLOWED_ORIGINS: 'http://localhost:*,http://127.0.0.1:*',
      PAGE: 'on',
      PAGE_LOGIN_URL: kaha,
      WEBPUSH_PUBLIC_KEY: secrets.vapidPublicKey,
      WEBPUSH_ENDPOINTS: 'any',
    }),
  },
};

/** Services start in this order and stop in the reverse one. Within a rank the table decides. */
export const SERVICE_NAMES = (Object.keys(SERVICES) as ServiceName[]).sort(
  (a, b) => SERVICES[a].startRank - SERVICES[b].startRank,
);

/** Lists the names of all instances of a service. */
export function instancesOf(service: ServiceName, counts: InstanceCounts): string[] {
  const { instances } = SERVICES[service];
  if (instances === 'one') return [service];
  return Array.from({ length: counts[instances] ?? 0 }, (_, index) => `${service}-${index + 1}`);
}
