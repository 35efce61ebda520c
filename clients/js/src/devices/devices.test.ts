import t from 'tap';
import { ChatScene, restServer } from '../stage/chat-scene.ts';
import { memoryStorage } from '../storage/storage.ts';
import { Devices, type PushWorker } from './devices.ts';

const KEY = { public_key: 'B-the-key-of-the-server' };
const SUBSCRIPTION = { endpoint: 'https://push.example/x', keys: { p256dh: 'p', auth: 'a' } };

async function scene(answers: Record<string, unknown>) {
  const { calls, fetch } = restServer(answers);
  const server = await new ChatScene({}, { fetch }).connect();
  const devices = new Devices(server.chat);
  return { calls, devices, deviceId: await devices.ownId() };
}

/** A browser that asks nobody, or whose person wants no pushes. */
function browser({ isWanted = true } = {}) {
  const asked: unknown[] = [];
  let subscribed: { toJSON(): unknown; unsubscribe(): Promise<boolean> } | null = null;
  const made = {
    toJSON: () => ({ ...SUBSCRIPTION, expirationTime: null }),
    async unsubscribe() {
      subscribed = null;
      return true;
    },
  };
  const worker: PushWorker = {
    pushManager: {
      getSubscription: async () => subscribed,
      async subscribe(options) {
        asked.push(options);
        if (!isWanted) throw new Error('denied');
        subscribed = made;
        return made;
      },
    },
  };
  return { worker, asked, isSubscribed: () => subscribed !== null };
}

t.test('devices are listed and signed out', async (t) => {
  const phone = { device_id: 'phone', is_connected: true };
  const { calls, devices } = await scene({ 'GET /devices': { devices: [phone] } });
  t.same(await devices.list(), [phone]);
  await devices.signOut('phone');
  t.match(calls, [{ what: 'GET /devices' }, { what: 'DELETE /devices/phone', body: undefined }]);
});

t.test('the device registers itself, with what the person wishes', async (t) => {
  const { calls, devices, deviceId } = await scene({});
  t.type(deviceId, 'string');
  const wishes = { content: 'none', quiet_hours: { time_zone: 'UTC', from: '22:00', to: '7:00' } };
  const registration = { ...wishes, provider: 'fcm', token: 'a-token' } as const;
  await devices.register(registration as never);
  await devices.unregister();
  const path = `/devices/${deviceId}/push`;
  t.same(calls, [
    { what: `PUT ${path}`, body: registration },
    { what: `DELETE ${path}`, body: undefined },
  ]);
});

t.test('a browser subscribes with the key of the server, and registers', async (t) => {
  const { calls, devices, deviceId } = await scene({ 'GET /push/webpush-key': KEY });
  const { worker, asked, isSubscribed } = browser();
  t.equal(await devices.subscribe(worker, { content: 'full' }), true);
  t.same(asked, [{ userVisibleOnly: true, applicationServerKey: KEY.public_key }]);
  const body = { content: 'full', provider: 'webpush', subscription: SUBSCRIPTION };
  t.same(calls.at(-1), { what: `PUT /devices/${deviceId}/push`, body });
  await devices.unsubscribe(worker);
  t.match(calls.at(-1), { what: `DELETE /devices/${deviceId}/push` });
  t.notOk(isSubscribed());
  await devices.unsubscribe(worker);
});

t.test('nothing is registered where the person does not want it', async (t) => {
  const { calls, devices } = await scene({ 'GET /push/webpush-key': KEY });
  const { worker } = browser({ isWanted: false });
  await t.rejects(devices.subscribe(worker), /denied/);
  t.same(
    calls.map(({ what }) => what),
    ['GET /push/webpush-key'],
  );
});

t.test('a server without web push asks no browser', async (t) => {
  const error = { code: 'NOT_FOUND', message: 'Web push is not configured' };
  const fetch = async () => ({
    ...{ status: 404, headers: { get: () => null } },
    text: async () => JSON.stringify({ error }),
  });
  const server = await new ChatScene({}, { fetch }).connect();
  const devices = new Devices(server.chat);
  const { worker, asked } = browser();
  t.equal(await devices.webPushKey(), undefined);
  t.equal(await devices.subscribe(worker), false);
  t.same(asked, []);
});

t.test('a client that has no device yet registers none', async (t) => {
  const { calls, fetch } = restServer({});
  const { chat } = new ChatScene({ storage: memoryStorage() }, { fetch });
  const devices = new Devices(chat);
  await t.rejects(devices.unregister(), { code: 'CLOSED' });
  t.same(calls, []);
});
