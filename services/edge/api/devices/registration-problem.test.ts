import t from 'tap';
import type { PushRegistration } from '../../../../shared/protocol/devices/device-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { requestProblems } from '../operation.ts';
import { registerPush } from './register-push.ts';
import { endpointProblem, registrationProblem } from './registration-problem.ts';

const auth = 'AAAAAAAAAAAAAAAAAAAAAA';
const subscription = {
  endpoint: 'https://push.example/x',
  keys: { p256dh: EXAMPLE.vapidKey, auth },
};
const apns = {
  ...{ provider: 'apns', token: 'ab'.repeat(32), topic: 'app.example' },
  environment: 'sandbox',
};
const fcm = { provider: 'fcm', token: 'd-PdWNy0T:APA91bF_token' };
const webpush = { provider: 'webpush', subscription };

function problemsOf(registration: unknown): string[] {
  return requestProblems(registerPush, { device_id: 'phone', registration }) ?? [];
}

t.test('a good registration of each provider is taken', async (t) => {
  const quiet_hours = { time_zone: 'Asia/Kathmandu', from: '22:00', to: '07:00' };
  for (const one of [apns, fcm, webpush]) {
    t.same(problemsOf(one), []);
    t.same(problemsOf({ ...one, content: 'none', quiet_hours }), []);
  }
  t.same(problemsOf({ ...apns, token: 'AB'.repeat(40) }), [], 'tokens may grow');
  const asBrowsers = { ...subscription, expirationTime: null };
  t.same(problemsOf({ ...webpush, subscription: asBrowsers }), []);
});

t.test('what no provider gives is refused, and says why', async (t) => {
  const { keys } = subscription;
  const [point] = [Buffer.from(keys.p256dh, 'base64url')];
  point[64] = (point[64] as number) ^ 1;
  const withKeys = (changes: object) => ({
    ...webpush,
    subscription: { ...subscription, keys: { ...keys, ...changes } },
  });
  const cases: [unknown, RegExp][] = [
    [{}, /provider/],
    [{ provider: 'pigeon' }, /provider/],
    [{ ...apns, provider: 'fcm' }, /topic|environment/],
    [{ ...apns, token: 'xyz' }, /token/],
    [{ ...apns, token: 'ab'.repeat(101) }, /token/],
    [{ ...apns, token: `${'ab'.repeat(32)}a` }, /token/],
    [{ ...apns, topic: 'a b' }, /topic/],
    [{ ...apns, topic: '../x' }, /topic/],
    [{ ...apns, environment: 'test' }, /environment/],
    [{ ...fcm, token: 'short' }, /token/],
    [{ ...fcm, token: 'x'.repeat(4_097) }, /token/],
    [{ ...fcm, token: 'with blanks and more' }, /token/],
    [{ ...fcm, content: 'all' }, /content/],
    [{ ...fcm, more: 1 }, /unknown field more/],
    [withKeys({ auth: 'short' }), /auth/],
    [withKeys({ p256dh: 'A'.repeat(87) }), /P-256/],
    [withKeys({ p256dh: point.toString('base64url') }), /P-256/],
    [{ ...webpush, subscription: { ...subscription, endpoint: 'x' } }, /endpoint/],
    [{ ...fcm, quiet_hours: { time_zone: 'Mars/Base', from: '22:00', to: '07:00' } }, /time_zone/],
    [{ ...fcm, quiet_hours: { time_zone: '+05:45', from: '22:00', to: '07:00' } }, /time_zone/],
    [{ ...fcm, quiet_hours: { time_zone: 'UTC', from: '22:00', to: '22:00' } }, /empty/],
    [{ ...fcm, quiet_hours: { time_zone: 'UTC', from: '24:00', to: '07:00' } }, /from/],
    [{ ...fcm, quiet_hours: { time_zone: 'UTC', from: '25:00', to: '07:00' } }, /from/],
    [{ ...fcm, quiet_hours: { time_zone: 'UTC', from: '22:00' } }, /to/],
  ];
  for (const [registration, words] of cases) {
    t.match(problemsOf(registration).join('; '), words, JSON.stringify(registration).slice(0, 90));
  }
});

t.test('an endpoint is https and has a public name', async (t) => {
  for (const good of [
    'https://fcm.googleapis.com/fcm/send/abc:def',
    'https://updates.push.services.mozilla.com/wpush/v2/x',
    'https://wns2-par02p.notify.windows.com/w/?token=x%2f',
    'https://web.push.apple.com:443/x',
    'https://localhost.example/x',
  ]) {
    t.equal(endpointProblem(good, 'public'), undefined, good);
  }
  for (const hostile of [
    'http://push.example/x',
    'ftp://push.example/x',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://user:password@push.example/x',
    'https://push.example/x#y',
    'https://127.0.0.1/x',
    'https://127.1/x',
    'https://0x7f000001/x',
    'https://2130706433/x',
    'https://１２７.0.0.1/x',
    'https://10.0.0.1:6379/x',
    'https://169.254.169.254/latest/meta-data',
    'https://8.8.8.8/x',
    'https://[::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://[fd00::1]/x',
    'https://localhost/x',
    'https://localhost./x',
    'https://LOCALHOST:5432/x',
    'https://a.localhost/x',
    'https://redis/x',
    'https://redis./x',
    'https://printer.local/x',
    'https://metadata.google.internal/x',
    'https://router.home.arpa/x',
    'https://',
    '//push.example/x',
    'push.example',
  ]) {
    t.type(endpointProblem(hostile, 'public'), 'string', hostile);
  }
});

t.test('in development an endpoint may be anywhere, but it is a URL without a user', async (t) => {
  t.equal(endpointProblem('http://127.0.0.1:9999/x', 'any'), undefined);
  for (const bad of ['ftp://127.0.0.1/x', 'http://a:b@127.0.0.1/x', 'nothing']) {
    t.type(endpointProblem(bad, 'any'), 'string', bad);
    const one = { ...webpush, subscription: { ...subscription, endpoint: bad } };
    t.type(registrationProblem(one as PushRegistration), 'string', bad);
  }
});
