import { randomBytes } from 'node:crypto';
import t from 'tap';
import { loadConfig } from './config.ts';

const good = {
  INSTANCE: 'retention',
  NATS_URL: 'nats://127.0.0.1:4222',
  NATS_NKEY_SEED: 'seed',
  ADMIN_PORT: '9470',
  LOG_HASH_KEY: randomBytes(24).toString('hex'),
};

t.test('the settings of partitions have defaults and bounds', async (t) => {
  t.same(loadConfig(good).partitions, { weeksAhead: 6, intervalMs: 3_600_000 });
  const bad = { ...good, PARTITION_WEEKS_AHEAD: '1', PARTITION_INTERVAL_S: '86401' };
  t.throws(() => loadConfig(bad), { name: 'ConfigError' });
});
