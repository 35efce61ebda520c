import t from 'tap';
import { ConfigError } from '../../shared/process/env.ts';
import { loadConfig } from './config.ts';

const GOOD = {
  INSTANCE: 'edge-1',
  NATS_URL: 'nats://127.0.0.1:4222',
  NATS_NKEY_SEED: 'S',
  ADMIN_PORT: '9464',
  LOG_HASH_KEY: 'k',
  REDIS_URL: 'redis://127.0.0.1:6379',
  JWT_SECRET: 'x'.repeat(32),
};

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
    admissionRatePerS: 2_000,
    drainMs: 10_000,
  });
  const jwks = { ...GOOD, JWT_SECRET: '', JWT_JWKS_URL: 'https://id.example/jwks' };
  t.match(loadConfig(jwks), { token: { key: { kind: 'jwks' }, algorithms: ['RS256'] } });
});

t.test('every problem is told, and a public key is never a secret', async (t) => {
  t.equal(problemsOf({ JWT_JWKS_URL: 'https://id.example/jwks' }).length, 1, 'two keys');
  t.equal(problemsOf({ JWT_SECRET: '' }).length, 1, 'no key');
  t.equal(problemsOf({ JWT_SECRET: 'short' }).length, 1);
  t.equal(problemsOf({ JWT_ALGORITHMS: 'RS256' }).length, 1, 'a secret as a public key');
  t.equal(problemsOf({ JWT_ALGORITHMS: 'none' }).length, 1);
  const jwks = { JWT_SECRET: '', JWT_JWKS_URL: 'https://id.example/jwks' };
  t.equal(problemsOf({ ...jwks, JWT_ALGORITHMS: 'HS256' }).length, 1, 'a public key as a secret');
  t.equal(problemsOf({ ALLOWED_ORIGINS: '*,https://a.example/,ftp://x' }).length, 3);
  t.equal(problemsOf({ PORT: 'x', DRAIN_MS: '-1' }).length, 2);
});
