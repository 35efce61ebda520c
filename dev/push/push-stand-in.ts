import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startApnsStandIn } from './apns-stand-in.ts';
import { startFcmStandIn } from './fcm-stand-in.ts';
import { type HttpAnswer, readBody, sendJson } from './http-exchange.ts';
import type { PushKeys } from './push-keys.ts';
import { PushLog } from './push-log.ts';
import { type Subscription, startWebPushStandIn } from './webpush-stand-in.ts';

type PushStandInOptions = {
  keys: PushKeys;
  /** The control has the first port, and each provider another one. 0 stands for a free one. */
  ports: { control: number; production: number; sandbox: number; fcm: number; webpush: number };
};

export type PushStandIn = {
  /** The control, and where the providers are. */
  urls: { control: string; production: string; sandbox: string; fcm: string; webpush: string };
  log: PushLog;
  subscribe(): Subscription;
  endFcmTokens(): void;
  close(): Promise<void>;
};

const BODY_BYTES_MAX = 64 * 1024;
const PROVIDERS = ['apns', 'sandbox', 'fcm', 'webpush'] as const;

/**
 * Starts stand-ins that speak the protocols of APNs, FCM and of a push service on loopback, for
 * development and tests only. They show what devices would get, and fail on demand:
 *
 *     GET  /                       the pushes of all devices, as a page
 *     GET  /_dev/pushes?device=    {pushes}: what devices got, the newest last
 *     POST /_dev/clear             forgets these pushes
 *     POST /_dev/subscriptions     subscribes a browser: {endpoint, keys: {p256dh, auth}}
 *     POST /_control               {provider?, mode?, after?, calls?, delay_ms?, retry_after_s?,
 *                                  since_ms?}: how pushes are answered from now on. `provider` is
 *                                  apns, sandbox, fcm or webpush, and all of them if it is absent.
 *                                  The modes are in faults.ts
 *     GET  /_control               how each provider answers
 *
 * A device token of APNs has 64 to 200 hexadecimal digits, and belongs to the sandbox if it begins
 * with `5a5a`. A malformed body is answered 400 {error}.
 */
export async function startPushStandIn({ keys, ports }: PushStandInOptions): Promise<PushStandIn> {
  const { certificate, apns: terms, fcm, vapid } = keys;
  const log = new PushLog();
  const common = { certificate, log };
  const production = { ...common, terms, port: ports.production };
  const providers = {
    apns: await startApnsStandIn(production, 'production'),
    sandbox: await startApnsStandIn({ ...production, port: ports.sandbox }, 'sandbox'),
    fcm: await startFcmStandIn({ ...common, terms: fcm, port: ports.fcm }),
    webpush: await startWebPushStandIn({
      ...{ ...common, port: ports.webpush, terms: { vapidPublicKey: vapid.publicKey } },
    }),
  };
  const control = createServer((request, response) => {
    serve({ log, providers }, request, response).catch((error: Error) =>
      sendJson(response, { status: 400, body: { error: error.message } }),
    );
  });
  control.listen(ports.control, '127.0.0.1');
  await once(control, 'listening');
  const { port } = control.address() as AddressInfo;
  return {
    urls: {
      control: `http://127.0.0.1:${port}`,
      production: `https://127.0.0.1:${providers.apns.port}`,
      sandbox: `https://127.0.0.1:${providers.sandbox.port}`,
      fcm: `https://127.0.0.1:${providers.fcm.port}`,
      webpush: `https://127.0.0.1:${providers.webpush.port}`,
    },
    log,
    subscribe: providers.webpush.subscribe,
    endFcmTokens: providers.fcm.endTokens,
    async close() {
      control.close();
      control.closeAllConnections();
      await Promise.all(PROVIDERS.map((name) => providers[name].door.close()));
    },
  };
}

type Providers = {
  [Name in (typeof PROVIDERS)[number]]: Pick<
    Awaited<ReturnType<typeof startApnsStandIn>>,
    'door' | 'faults'
  >;
} & { webpush: { subscribe(): Subscription } };

type Parts = { log: PushLog; providers: Providers };

async function serve(
  parts: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const text = (await readBody(request, BODY_BYTES_MAX)).toString();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /') return sendPage(parts.log, response);
  sendJson(response, answerOf(parts, route, { url, body }));
}

type Asked = { url: URL; body: Record<string, unknown> };

function answerOf({ log, providers }: Parts, route: string, { url, body }: Asked): HttpAnswer {
  if (route === 'GET /_dev/pushes') {
    const pushes = log.of(url.searchParams.get('device') ?? undefined);
    return { status: 200, body: { pushes } };
  }
  if (route === 'POST /_dev/clear') log.clear();
  else if (route === 'POST /_dev/subscriptions') {
    return { status: 200, body: providers.webpush.subscribe() };
  } else if (route === 'POST /_control') setFaults(providers, body);
  else if (route !== 'GET /_control') return { status: 404 };
  return { status: 200, body: controlsOf(providers) };
}

function setFaults(providers: Providers, { provider, ...change }: Record<string, unknown>): void {
  const names = PROVIDERS.filter((name) => provider === undefined || name === provider);
  if (names.length === 0) throw new Error(`provider is one of ${PROVIDERS.join(', ')}`);
  for (const name of names) {
    const { faults, door } = providers[name];
    const was = faults.control.mode;
    faults.set(change);
    const { mode } = faults.control;
    if ((mode === 'certificate') !== (was === 'certificate')) door.show(mode === 'certificate');
  }
}

function controlsOf(providers: Providers): Record<string, unknown> {
  return Object.fromEntries(PROVIDERS.map((name) => [name, providers[name].faults.control]));
}

/** Shows the newest pushes first. Whatever they hold is text. */
function sendPage(log: PushLog, response: ServerResponse): void {
  const rows = log.of().slice(-200).reverse();
  const cells = rows.map(({ at, provider, device, push }) =>
    [at, provider, device.slice(0, 24), JSON.stringify(push)].map(escaped).join('</td><td>'),
  );
  const table = cells.map((row) => `<tr><td>${row}</td></tr>`).join('\n');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><title>Pushes</title><h1>What devices got</h1>
<p>This is a stand-in for push providers. It is for development and tests only.</p>
<table>${table}</table>`);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
