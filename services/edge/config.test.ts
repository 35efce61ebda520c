import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../../shared/process/env.ts';
import { EXAMPLE } from '../../shared/protocol/examples.ts';
import { loadConfig } from './config.ts';

const secret = (): string => randomBytes(24).toString('hex');
const GOOD = {
  INSTANCE: 'edge-1',
  NATS_URL: 'nats://127.0.0.1:4222',
  NATS_NKEY_SEED: 'S',
  ADMIN_PORT: '9464',
  LOG_HASH_KEY: secret(),
  REDIS_URL: 'redis://127.0.0.1:6379',
  JWT_SECRET: secret(),
};

const TERMS = { JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'chat' };

function problemsOf(changes: Record<string, string>): readonly string[] {
  try {
    loadConfig({ ...GOOD, ...changes });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

t.test('a variable that has a default may be left out', async (t) => {
  t.match(loadConfig(GOOD), {
    port: 8080,
    token: { key: { kind: 'secret' }, algorithms: ['HS256'] },
    allowedOrigins: [],
    serviceTokens: [],
    page: { isServed: false, loginUrl: undefined },
    connections: { max: 20_000, closingMax: Infinity },
    admissionRatePerS: 2_000,
    drainMs: 10_000,
  });
  const jwks = { ...GOOD, JWT_SECRET: '', JWT_JWKS_URL: 'https://id.example/jwks', ...TERMS };
  t.match(loadConfig(jwks), { token: { key: { kind: 'jwks' }, algorithms: ['RS256'] } });
});

t.test('every problem is told, and a public key is never a secret', async (t) => {
  const both = { JWT_JWKS_URL: 'https://id.example/jwks', ...TERMS };
  t.equal(problemsOf(both).length, 1, 'two keys');
  t.equal(problemsOf({ JWT_SECRET: '' }).length, 1, 'no key');
  t.equal(problemsOf({ JWT_SECRET: 'short' }).length, 1);
  t.equal(problemsOf({ JWT_ALGORITHMS: 'RS256' }).length, 1, 'a secret as a public key');
  t.equal(problemsOf({ JWT_ALGORITHMS: 'none' }).length, 1);
  const jwks = { JWT_SECRET: '', JWT_JWKS_URL: 'https://id.example/jwks', ...TERMS };
  t.same(problemsOf(jwks), []);
  t.equal(problemsOf({ ...jwks, JWT_ISSUER: '' }).length, 1, 'no issuer');
  t.equal(problemsOf({ ...jwks, JWT_ISSUER: '', JWT_AUDIENCE: '' }).length, 2, 'neither');
  t.equal(problemsOf({ ...jwks, JWT_ALGORITHMS: 'HS256' }).length, 1, 'a public key as a secret');
  t.equal(problemsOf({ ALLOWED_ORIGINS: '*,https://a.example/,ftp://x' }).length, 3);
  t.equal(problemsOf({ PORT: 'x', DRAIN_MS: '-1' }).length, 2);
});

t.test('an edge holds as many connections as its limit of files allows', async (t) => {
  const maxOf = (files: number, own?: string): number =>
    loadConfig({ ...GOOD, MAX_CONNECTIONS: own }, files).connections.max;
  t.equal(maxOf(10_000), 9_488, '512 files are kept');
  t.equal(maxOf(1_048_576), 20_000, 'more are held only where that is set');
  t.equal(maxOf(1_048_576, '50000'), 50_000);
  const { connections } = loadConfig({ ...GOOD, MAX_CONNECTIONS: '9000' }, 10_000);
  t.same(connections, { max: 9_000, closingMax: 488 });
  const problem = (files: number, possible: number) => ({
    message:
      `Invalid configuration:\n  MAX_CONNECTIONS may be ${possible} at most: the process may ` +
      `open ${files} files (ulimit -n), and keeps 512`,
  });
  t.throws(() => maxOf(10_000, '9489'), problem(10_000, 9_488));
  t.throws(() => maxOf(256), problem(256, 0), 'the limit is too low for a single connection');
});

t.test(
  'the page is served where that is switched on, with a login where one is named',
  async (t) => {
    const login = 'https://login.example:8443/stand-in';
    const on = { PAGE: 'on', PAGE_LOGIN_URL: `${login}/` };
    t.same(loadConfig({ ...GOOD, ...on }).page, { isServed: true, loginUrl: login });
    t.same(loadConfig({ ...GOOD, PAGE: 'on', PAGE_LOGIN_URL: '' }).page.loginUrl, undefined);
    t.equal(problemsOf({ PAGE: 'yes' }).length, 1);
    t.equal(problemsOf({ PAGE_LOGIN_URL: 'ftp://login.example' }).length, 1);
    t.equal(problemsOf({ PAGE_LOGIN_URL: "https://a.example; script-src 'x'" }).length, 1);
  },
);

t.test('web push has a key that is one, and endpoints in public unless that is set', async (t) => {
  const WEBPUSH_PUBLIC_KEY = EXAMPLE.vapidKey;
  t.same(loadConfig(GOOD).push, { publicKey: undefined, endpoints: 'public' });
  const { push } = loadConfig({ ...GOOD, WEBPUSH_PUBLIC_KEY, WEBPUSH_ENDPOINTS: 'any' });
  t.same(push, { publicKey: WEBPUSH_PUBLIC_KEY, endpoints: 'any' });
  const off = `${WEBPUSH_PUBLIC_KEY.slice(0, -1)}A`;
  for (const key of ['x', 'B'.repeat(87), off, `${WEBPUSH_PUBLIC_KEY}=`]) {
    t.equal(problemsOf({ WEBPUSH_PUBLIC_KEY: key }).length, 1, key);
  }
  t.equal(problemsOf({ WEBPUSH_ENDPOINTS: 'private' }).length, 1);
});

t.test('a service token is long, no JWT, and never part of what is told', async (t) => {
  const [one, other] = [secret(), `-._~+/${secret()}==`];
  t.same(loadConfig({ ...GOOD, SERVICE_TOKENS: `${one}, ${other},` }).serviceTokens, [one, other]);
  const dir = mkdtempSync(join(tmpdir(), 'kaha-tokens-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'tokens');
  writeFileSync(file, `${other}\n`);
  t.same(loadConfig({ ...GOOD, SERVICE_TOKENS_FILE: file }).serviceTokens, [other]);
  for (const bad of [
    'b'.repeat(31),
    `${'b'.repeat(31)} ${'b'.repeat(31)}`,
    `${'b'.repeat(31)}=b`,
    `${'b'.repeat(40)}ü`,
    'b'.repeat(513),
    ['b', 'b', 'b'].map((part) => part.repeat(20)).join('.'),
  ]) {
    const problems = problemsOf({ SERVICE_TOKENS: `${one},${bad}` });
    t.equal(problems.length, 1, bad);
    t.match(problems[0], /SERVICE_TOKENS: token 2/);
    t.notMatch(problems[0], /bbb/);
  }
  const many = Array.from({ length: 17 }, secret).join();
  t.equal(problemsOf({ SERVICE_TOKENS: many }).length, 1);
  for (const weak of ['b'.repeat(40), 'what-kaha-chat-knows-kaha-main-v3-by', one]) {
    t.equal(problemsOf({ SERVICE_TOKENS: `${one},${weak}` }).length, 1, weak);
  }
  t.match(problemsOf({ SERVICE_TOKENS: GOOD.JWT_SECRET }), [/is the same secret as JWT_SECRET/]);
  t.equal(problemsOf({ JWT_SECRET: 'x'.repeat(64) }).length, 1);
});
