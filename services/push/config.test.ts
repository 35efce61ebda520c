import t from 'tap';
import { loadConfig } from './config.ts';

const ENV = {
  ...{ INSTANCE: 'push-1', NATS_URL: 'nats://nats:4222', NATS_NKEY_SEED: 'SU', ADMIN_PORT: '0' },
  LOG_HASH_KEY: 'f3Jk8sLq0zXw5vBn2mTy7pRc4dGh6aUe',
  PUSH_HASH_KEY: 'q9Wz3xVb7nMk1jHg5fDs8aPo2iUy6tRe',
};

t.test('an instance has the share of its number', async (t) => {
  const shareOf = (INSTANCE: string, PUSH_SHARES: string) =>
    loadConfig({ ...ENV, INSTANCE, PUSH_SHARES }).shares;
  t.same(shareOf('push-1', '1'), { count: 1, own: 0 });
  t.same(shareOf('push-0', '3'), { count: 3, own: 0 });
  t.same(shareOf('push-3', '3'), { count: 3, own: 0 });
  t.same(shareOf('push-2', '3'), { count: 3, own: 2 });
  t.same(shareOf('push', '1'), { count: 1, own: 0 });
});

t.test('shares are at most eight, and the key of hashes is a secret', async (t) => {
  t.throws(() => loadConfig({ ...ENV, PUSH_SHARES: '9' }), /PUSH_SHARES/);
  t.throws(() => loadConfig({ ...ENV, PUSH_HASH_KEY: 'short' }), /PUSH_HASH_KEY/);
  t.throws(() => loadConfig({ ...ENV, PUSH_HASH_KEY: ENV.LOG_HASH_KEY }), /same secret/);
});
