import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
} from '../../shared/process/env.ts';
import { isPointOfP256 } from './api/devices/p256-point.ts';
import type { Endpoints } from './api/devices/registration-problem.ts';
import type { PageConfig } from './assets/page.ts';
import { REFUSING_MAX, type Room } from './server/connections.ts';

export type TokenConfig = {
  /** All tokens are verified with one shared secret, or with the keys of one key server. */
  key: { kind: 'secret'; secret: string } | { kind: 'jwks'; url: string };
  algorithms: string[];
  issuer: string | undefined;
  audience: string | undefined;
};

export type PushConfig = {
  /** A browser subscribes with this VAPID key. Without it there is no web push. */
  publicKey: string | undefined;
  endpoints: Endpoints;
};

export type Config = CommonConfig & {
  host: string;
  port: number;
  token: TokenConfig;
  /** Services that are no users, such as kaha-main-v3, prove by one of these who they are. */
  serviceTokens: string[];
  /** This Redis holds presence and the kept contacts. */
  redisUrl: string;
  /**
   * An entry is an origin such as `https://app.example`, or has any port: `http://localhost:*`. If
   * the list is empty, no browser may connect.
   */
  allowedOrigins: string[];
  page: PageConfig;
  push: PushConfig;
  /** The edge has room for so many connections of clients, and tells others to come back. */
  connections: Room;
  /**
   * The edge admits this many clients with a good token a second, and a quarter of them without
   * one. It tells others to come back.
   */
  admissionRatePerS: number;
  /** Clients have this long to leave by themselves. */
  drainMs: number;
  /** The edge spreads the reconnects of clients that it sends away over this time. */
  drainReconnectMs: number;
};

const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const KEY_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384'];
const EDWARDS_ALGORITHMS = ['EdDSA', 'Ed25519'];
const SERVICE_TOKENS_MAX = 16;
/** These are the characters that RFC 6750 allows in a bearer token. */
const SERVICE_TOKEN = /^[\w.~+/-]{32,512}=*$/;
/** A JWT consists of three parts with dots between them. */
const JWT = /^[^.]+\.[^.]+\.[^.]+$/;
const HOUR_MS = 3_600_000;
/**
 * These files are not for connections of clients. NATS, Redis, the key server, the admin port and
 * the process itself use fewer than 128, and `REFUSING_MAX` clients are just being refused.
 */
const FILES_KEPT = 128 + REFUSING_MAX + 128;
/** The bounds of an edge, and its memory in `k8s`, are meant for so many connections. */
const CONNECTIONS_BY_DEFAULT = 20_000;
const CONNECTIONS_MAX = 1_000_000;

/**
 * Reads the configuration. Throws one ConfigError with every problem. `filesMax` is how many files
 * the process may open, and undefined where nobody knows.
 */
export function loadConfig(env: Env, filesMax?: number): Config {
  const reader = new EnvReader(env);
  const config: Config = {
    ...readCommonConfig(reader),
    host: reader.string('HOST', '0.0.0.0'),
    port: reader.integer('PORT', { min: 0, max: 65_535, byDefault: 8080 }),
    token: readToken(reader),
    serviceTokens: readServiceTokens(reader),
    redisUrl: reader.url('REDIS_URL', ['redis:', 'rediss:']),
    allowedOrigins: readOrigins(reader),
    page: readPage(reader),
    push: readPush(reader),
    connections: readConnections(reader, filesMax),
    admissionRatePerS: reader.integer('ADMISSION_RATE_PER_S', {
      min: 1,
      max: 1_000_000,
      byDefault: 2_000,
    }),
    drainMs: reader.integer('DRAIN_MS', { min: 0, max: HOUR_MS, byDefault: 10_000 }),
    drainReconnectMs: reader.integer('DRAIN_RECONNECT_MS', {
      min: 0,
      max: HOUR_MS,
      byDefault: 5_000,
    }),
  };
  reader.done();
  return config;
}

/**
 * The kind of key decides which algorithms are possible: a public key is never a secret. A key
 * server may sign tokens for others as well, so issuer and audience must be named.
 */
function readToken(reader: EnvReader): TokenConfig {
  const secret = reader.optional('JWT_SECRET');
  const jwksUrl = reader.optional('JWT_JWKS_URL');
  if ((secret === undefined) === (jwksUrl === undefined)) {
    reader.problem('exactly one of JWT_SECRET and JWT_JWKS_URL is required');
  }
  if (secret !== undefined) reader.checkSecret('JWT_SECRET', secret);
  if (jwksUrl !== undefined) reader.url('JWT_JWKS_URL', ['http:', 'https:']);
  const possible =
    secret === undefined ? [...KEY_ALGORITHMS, ...EDWARDS_ALGORITHMS] : SECRET_ALGORITHMS;
  const byDefault = secret === undefined ? ['RS256'] : ['HS256'];
  const algorithms = reader.list('JWT_ALGORITHMS', byDefault);
  for (const algorithm of algorithms) {
    if (!possible.includes(algorithm)) {
      reader.problem(`JWT_ALGORITHMS: ${algorithm} is not one of ${possible.join(', ')}`);
    }
  }
  const issuer = reader.optional('JWT_ISSUER');
  const audience = reader.optional('JWT_AUDIENCE');
  for (const [name, value] of Object.entries({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience })) {
    if (jwksUrl !== undefined && value === undefined) {
      reader.problem(`${name} (or ${name}_FILE) is required with JWT_JWKS_URL`);
    }
  }
  return {
    key: secret === undefined ? { kind: 'jwks', url: jwksUrl ?? '' } : { kind: 'secret', secret },
    algorithms,
    issuer,
    audience,
  };
}

/** A service token that looks like a JWT is refused, so that no token can be both. */
function readServiceTokens(reader: EnvReader): string[] {
  const tokens = reader.list('SERVICE_TOKENS');
  if (tokens.length > SERVICE_TOKENS_MAX) {
    reader.problem(`SERVICE_TOKENS has at most ${SERVICE_TOKENS_MAX} tokens`);
  }
  for (const [index, token] of tokens.entries()) {
    const name = `SERVICE_TOKENS: token ${index + 1}`;
    if (!SERVICE_TOKEN.test(token)) {
      reader.problem(`${name} must have 32 to 512 letters, digits or -._~+/, and = at its end`);
    } else if (JWT.test(token)) {
      reader.problem(`${name} must not look like a JWT`);
    } else {
      reader.checkSecret(name, token);
    }
  }
  return tokens;
}

/** Each connection is an open file, so there are fewer of them than files may be open. */
function readConnections(reader: EnvReader, filesMax = Infinity): Room {
  const possible = filesMax - FILES_KEPT;
  const max = reader.integer('MAX_CONNECTIONS', {
    min: 1,
    max: CONNECTIONS_MAX,
    byDefault: Math.max(1, Math.min(possible, CONNECTIONS_BY_DEFAULT)),
  });
  if (max > possible) {
    const why = `the process may open ${filesMax} files (ulimit -n), and keeps ${FILES_KEPT}`;
    reader.problem(`MAX_CONNECTIONS may be ${Math.max(0, possible)} at most: ${why}`);
  }
  return { max, closingMax: possible - max };
}

function readPage(reader: EnvReader): PageConfig {
  const isServed = reader.oneOf('PAGE', ['on', 'off'], 'off') === 'on';
  const loginUrl = reader.optional('PAGE_LOGIN_URL');
  if (loginUrl !== undefined) reader.url('PAGE_LOGIN_URL', ['http:', 'https:']);
  return { isServed, loginUrl: loginUrl?.replace(/\/+$/, '') };
}

function readPush(reader: EnvReader): PushConfig {
  const publicKey = reader.optional('WEBPUSH_PUBLIC_KEY');
  if (publicKey !== undefined && !isPointOfP256(publicKey)) {
    reader.problem('WEBPUSH_PUBLIC_KEY is no uncompressed point of P-256 in base64url');
  }
  return { publicKey, endpoints: reader.oneOf('WEBPUSH_ENDPOINTS', ['public', 'any'], 'public') };
}

const ORIGIN = /^https?:\/\/[^/:\s*]+(:(\d+|\*))?$|^https?:\/\/\[[0-9a-f:]+\](:(\d+|\*))?$/;

function readOrigins(reader: EnvReader): string[] {
  const origins = reader.list('ALLOWED_ORIGINS');
  for (const origin of origins) {
    if (!ORIGIN.test(origin)) reader.problem(`ALLOWED_ORIGINS: ${origin} is not an origin`);
  }
  return origins;
}
