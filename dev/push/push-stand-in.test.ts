import { connect } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { importPKCS8, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { makePushKeys } from './push-keys.ts';
import { startPushStandIn } from './push-stand-in.ts';

const KEYS = makePushKeys();
const ANY_PORTS = { control: 0, production: 0, sandbox: 0, fcm: 0, webpush: 0 };
const CA = KEYS.certificate.cert;
const DEVICE = 'ab'.repeat(32);

async function setStandIn(t: Test) {
  const standIn = await startPushStandIn({ keys: KEYS, ports: ANY_PORTS });
  t.teardown(() => standIn.close());
  return standIn;
}

async function bearer({ ageS = 0, keyId = KEYS.apns.keyId } = {}): Promise<string> {
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .setIssuer(KEYS.apns.teamId)
    .setIssuedAt(Math.floor(Date.now() / 1_000) - ageS)
    .sign(await importPKCS8(KEYS.apns.privateKey, 'ES256'));
  return `bearer ${token}`;
}

type Apns = { headers?: Record<string, string>; path?: string; body?: string };

/** Asks APNs with what is right but for the changes, and resolves with `reason` or `ok`. */
async function askApns(url: string, { headers = {}, path, body = '{"aps":{}}' }: Apns = {}) {
  const session = connect(url, { ca: CA });
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path ?? `/3/device/${DEVICE}` },
    ...{ 'apns-topic': KEYS.apns.topic, 'apns-push-type': 'alert', 'apns-priority': '10' },
    ...{ 'apns-id': '8f3c2a4e-0000-4000-8000-000000000001', 'apns-expiration': '0' },
    ...{ authorization: await bearer(), ...headers },
  });
  stream.setEncoding('utf8').end(body);
  let text = '';
  for await (const part of stream) text += part;
  session.close();
  return text === '' ? 'ok' : (JSON.parse(text) as { reason: string }).reason;
}

type Https = { headers?: Record<string, string>; body?: string };

function post(url: string, { headers = {}, body = '' }: Https): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = requestHttps(url, { method: 'POST', ca: CA, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    call.once('error', reject).end(body);
  });
}

t.test('APNs takes what is right, and says what is wrong', async (t) => {
  const { urls, log } = await setStandIn(t);
  t.equal(await askApns(urls.production), 'ok');
  const reasons: [string, Apns][] = [
    ['MissingProviderToken', { headers: { authorization: 'x' } }],
    ['InvalidProviderToken', { headers: { authorization: 'bearer x' } }],
    ['InvalidProviderToken', { headers: { authorization: await bearer({ keyId: 'other' }) } }],
    ['ExpiredProviderToken', { headers: { authorization: await bearer({ ageS: 3_700 }) } }],
    ['DeviceTokenNotForTopic', { headers: { 'apns-topic': 'other.app' } }],
    ['BadCollapseId', { headers: { 'apns-collapse-id': 'x'.repeat(65) } }],
    ['BadMessageId', { headers: { 'apns-id': '1' } }],
    ['BadPriority', { headers: { 'apns-priority': '7' } }],
    ['BadDeviceToken', { path: '/3/device/xyz' }],
    ['BadDeviceToken', { path: `/3/device/5a5a${DEVICE}` }],
    ['PayloadTooLarge', { body: JSON.stringify({ aps: 'x'.repeat(5_000) }) }],
    ['PayloadEmpty', { body: '' }],
  ];
  for (const [reason, asked] of reasons) t.equal(await askApns(urls.production, asked), reason);
  t.equal(await askApns(urls.sandbox), 'BadDeviceToken');
  t.equal(log.of().length, 1, 'nothing of this was taken');
});

t.test('FCM gives no token to a stranger, and takes no message without one', async (t) => {
  const { urls, log } = await setStandIn(t);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  t.equal(await post(`${urls.fcm}/token`, { headers: form, body: 'grant_type=x' }), 400);
  const grant = 'grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x';
  t.equal(await post(`${urls.fcm}/token`, { headers: form, body: grant }), 400);
  const path = `${urls.fcm}/v1/projects/${KEYS.fcm.projectId}/messages:send`;
  const body = JSON.stringify({ message: { token: 'x', data: {} } });
  t.equal(await post(path, { body }), 401);
  t.equal(await post(path, { headers: { authorization: 'Bearer x' }, body }), 401);
  t.same(log.of(), []);
});

t.test('a push service refuses strangers, and what no browser could read', async (t) => {
  const { urls, log, subscribe } = await setStandIn(t);
  t.equal(await post(`${urls.webpush}/push/unknown`, {}), 404);
  const { endpoint } = subscribe();
  t.equal(await post(endpoint, {}), 401);
  const other = makePushKeys().vapid.publicKey;
  t.equal(await post(endpoint, { headers: { authorization: `vapid t=x, k=${other}` } }), 403);
  const own = KEYS.vapid.publicKey;
  t.equal(await post(endpoint, { headers: { authorization: `vapid t=x, k=${own}` } }), 403);
  t.same(log.of(), []);
});

t.test('the control refuses what it does not know, and shows what devices got', async (t) => {
  const { urls } = await setStandIn(t);
  const control = async (body: unknown) => {
    const init = { method: 'POST', body: JSON.stringify(body) };
    return (await fetch(`${urls.control}/_control`, init)).status;
  };
  t.equal(await control({ mode: 'hang', provider: 'apns' }), 200);
  for (const body of [{ mode: 'x' }, { provider: 'x' }, { calls: -1 }, { after: 0.5 }]) {
    t.equal(await control(body), 400);
  }
  const controls = (await (await fetch(`${urls.control}/_control`)).json()) as object;
  t.match(controls, { apns: { mode: 'hang' }, fcm: { mode: 'ok' } });
  await control({ mode: 'ok' });
  const body = JSON.stringify({ aps: { alert: { body: '<b>Hi</b>' } } });
  t.equal(await askApns(urls.production, { body }), 'ok');
  const page = await (await fetch(`${urls.control}/`)).text();
  t.match(page, /&#60;b&#62;Hi/);
  const shown = await fetch(`${urls.control}/_dev/pushes?device=${DEVICE}`);
  t.match(await shown.json(), { pushes: [{ provider: 'apns', device: DEVICE }] });
});
