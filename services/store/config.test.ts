import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { ConfigError } from '../../shared/process/env.ts';
import { loadConfig } from './config.ts';

const env = {
  INSTANCE: 'store-1',
  NATS_URL: 'nats://127.0.0.1:4222',
  NATS_NKEY_SEED: 'seed',
  ADMIN_PORT: '9464',
  LOG_HASH_KEY: randomBytes(24).toString('hex'),
  DATABASE_URL: 'postgres://kaha@127.0.0.1:5432/kaha',
  CONTENT_KEYS: `k2:${randomBytes(32).toString('base64')},k1:${randomBytes(32).toString('base64')}`,
};

t.test('keys keep their order; 8 connections and 15 minutes to edit are the defaults', (t) => {
  const config = loadConfig(env);
  t.same(
    config.contentKeys.map(({ id }) => id),
    ['k2', 'k1'],
  );
  t.equal(config.database.poolMax, 20);
  t.equal(config.editWindowMs, 15 * 60_000);
  t.equal(loadConfig({ ...env, EDIT_WINDOW_MIN: '0' }).editWindowMs, 0);
  t.match(loadConfig(env), { retentionDays: 90, graceDays: 7 });
  t.equal(loadConfig({ ...env, RETENTION_DAYS: '0' }).retentionDays, 0);
  t.end();
});

t.test('the error lists every problem at once and shows no secret', (t) => {
  try {
    loadConfig({ ...env, DATABASE_URL: 'mysql://x', CONTENT_KEYS: 'k1:c2hvcnQ=', INSTANCE: '' });
    t.fail('must throw');
  } catch (error) {
    const { problems } = error as ConfigError;
    t.equal(problems.length, 3);
    t.notOk(problems.join().includes('c2hvcnQ'));
  }
  t.end();
});
