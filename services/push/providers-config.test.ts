import t from 'tap';
import { pushEnv } from '../../dev/push/push-env.ts';
import { makePushKeys } from '../../dev/push/push-keys.ts';
import { ConfigError, type Env, EnvReader } from '../../shared/process/env.ts';
import { readProvidersConfig } from './providers-config.ts';

const KEYS = makePushKeys();
const URLS = { ...{ production: 'https://a:1', sandbox: 'https://b:1' }, fcm: 'https://c:1' };
const ENV = pushEnv(KEYS, URLS);

function read(env: Env) {
  const reader = new EnvReader(env);
  const config = readProvidersConfig(reader);
  reader.done();
  return config;
}

t.test('a provider of which nothing is set is absent', async (t) => {
  t.same(read({}), { ca: undefined });
  t.same(Object.keys(read(ENV)), ['apns', 'fcm', 'webpush', 'ca']);
});

t.test(
  'without addresses, pushes go to Apple and to Google, and endpoints are public',
  async (t) => {
    const { APNS_URL, APNS_SANDBOX_URL, FCM_URL, WEBPUSH_ENDPOINTS, ...env } = ENV;
    const { apns, fcm, webpush } = read(env);
    t.match(apns?.urls, { production: /apple\.com/, sandbox: /sandbox.*apple\.com/ });
    t.match(fcm?.url, /googleapis\.com/);
    t.equal(webpush?.endpoints, 'public');
  },
);

t.test('what is missing or wrong is told by its name, and never by its value', async (t) => {
  const wrong: [string, string][] = [
    ['APNS_KEY_ID', ''],
    ['APNS_TEAM_ID', 'short'],
    ['APNS_KEY', KEYS.fcm.privateKey],
    ['APNS_URL', 'http://a'],
    ['FCM_SERVICE_ACCOUNT', '{"project_id":"x"}'],
    ['FCM_SERVICE_ACCOUNT', '{'],
    ['WEBPUSH_PRIVATE_KEY', 'secret canary'],
    ['WEBPUSH_SUBJECT', 'nobody'],
    ['WEBPUSH_ENDPOINTS', 'some'],
  ];
  for (const [name, value] of wrong) {
    try {
      read({ ...ENV, [name]: value });
      t.fail(`${name} was taken`);
    } catch (error) {
      t.ok(error instanceof ConfigError);
      t.match((error as Error).message, name);
      t.notMatch((error as Error).message, /canary|PRIVATE KEY-/);
    }
  }
});
