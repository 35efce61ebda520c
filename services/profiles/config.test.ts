import { randomBytes } from 'node:crypto';
import t from 'tap';
import { ConfigError } from '../../shared/process/env.ts';
import { loadConfig } from './config.ts';

const good = {
  INSTANCE: 'profiles',
  NATS_URL: 'nats://127.0.0.1:4222',
  NATS_NKEY_SEED: 'seed',
  ADMIN_PORT: '9470',
  LOG_HASH_KEY: randomBytes(24).toString('hex'),
  REDIS_URL: 'redis://127.0.0.1:6379',
  KAHA_URL: 'http://127.0.0.1:3000',
  KAHA_SERVICE_TOKEN: randomBytes(24).toString('hex'),
  WEBHOOK_PORT: '8090',
};

t.test('a complete environment is read', async (t) => {
  const { redisUrl, kaha, webhook } = loadConfig(good);
  t.same(webhook, { host: '127.0.0.1', port: 8090 });
  t.equal(redisUrl, good.REDIS_URL);
  t.same(kaha, { url: good.KAHA_URL, serviceToken: good.KAHA_SERVICE_TOKEN });
});

t.test('all problems are told at once', async (t) => {
  const bad = { ...good, REDIS_URL: 'http://x', KAHA_URL: '', KAHA_SERVICE_TOKEN: undefined };
  try {
    loadConfig(bad);
    t.fail('accepted');
  } catch (error) {
    t.ok(error instanceof ConfigError);
    t.match((error as Error).message, /REDIS_URL.*KAHA_URL.*KAHA_SERVICE_TOKEN/s);
  }
});
