import { createServer, type LookupFunction } from 'node:net';
import t, { type Test } from 'tap';
import { makePushKeys } from '../../../../dev/push/push-keys.ts';
import { steadyMs } from '../../../../shared/process/clock.ts';
import { alert } from '../../stage/push-stage.ts';
import { createWebPushProvider } from './webpush-provider.ts';

const KEYS = makePushKeys();
const REFUSED = { kind: 'refused', reason: 'registration' };

/** The scene is a listener on loopback that notes who connects, and a name that leads to it. */
async function setScene(t: Test, addresses: string[] = ['127.0.0.1']) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const asked: string[] = [];
  const lookup: LookupFunction = (name, _, callback) => {
    asked.push(name);
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    callback(null, found);
  };
  const provider = createWebPushProvider({
    ...{ keys: KEYS.vapid, endpoints: 'public', connectionsMax: 2, tryMs: 2_000 },
    ...{ now: steadyMs, wallMs: Date.now, lookup },
  });
  t.teardown(async () => {
    await provider.close();
    server.close();
  });
  const keys = { p256dh: KEYS.vapid.publicKey, auth: 'BTBZMqHH6r4Tts7J_aSIgg' };
  return {
    port,
    asked,
    connections: () => connections,
    send: (endpoint: string, changed: Partial<typeof keys> = {}) =>
      provider.send(
        {
          ...{ provider: 'webpush', registeredAtMs: 0 },
          subscription: { endpoint, keys: { ...keys, ...changed } },
        },
        { id: 'x', push: alert() },
      ),
  };
}

t.test('a literal address that is not public is never connected to', async (t) => {
  const { send, port, connections, asked } = await setScene(t);
  const hosts = ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '127.1'];
  for (const host of [...hosts, '0x7f000001', '10.0.0.1', '169.254.169.254', '[fd00::1]']) {
    t.same(await send(`https://${host}:${port}/push`), REFUSED, host);
  }
  t.equal(connections(), 0);
  t.same(asked, []);
});

t.test('a name is judged by the addresses that it has at the connect', async (t) => {
  const bad = [['127.0.0.1'], ['::ffff:127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['fe80::1'], []];
  for (const addresses of bad) {
    const { send, port, connections, asked } = await setScene(t, addresses);
    t.same(await send(`https://push.example:${port}/x`), REFUSED, addresses.join());
    t.equal(connections(), 0);
    t.same(asked, ['push.example']);
  }
});

t.test('http, other schemes and what is no address are refused', async (t) => {
  const { send, port, connections } = await setScene(t);
  for (const endpoint of [`http://push.example:${port}/`, 'file:///etc/passwd', 'x', 'https://']) {
    t.same(await send(endpoint), REFUSED, endpoint);
  }
  t.equal(connections(), 0);
});

t.test('keys that are none refuse the registration, and nothing is sent', async (t) => {
  const { send, asked } = await setScene(t);
  const p256dh = Buffer.alloc(65, 4).toString('base64url');
  t.same(await send('https://push.example/', { p256dh }), REFUSED);
  t.same(await send('https://push.example/', { p256dh: '' }), REFUSED);
  t.same(asked, []);
});
