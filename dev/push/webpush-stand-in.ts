import { createECDH, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { importJWK, jwtVerify } from 'jose';
import { type BrowserSecrets, decrypt } from './decrypt.ts';
import { act, type Exchange, FaultSwitch, type Refusal } from './faults.ts';
import { type HttpAnswer, readBody, sendJson } from './http-exchange.ts';
import type { Certificate } from './make-certificate.ts';
import type { PushLog } from './push-log.ts';
import { TlsDoor } from './tls-door.ts';

type WebPushTerms = { /** Browsers subscribe with this key. */ vapidPublicKey: string };

type Options = { port: number; certificate: Certificate; terms: WebPushTerms; log: PushLog };

/** A page registers this at the chat, as a browser would give it. */
export type Subscription = { endpoint: string; keys: { p256dh: string; auth: string } };

const BODY_BYTES_MAX = 4_096;
const SUBSCRIPTIONS_MAX = 10_000;
const TOKEN_LIFE_MAX_S = 86_400;
const TOPIC = /^[\w-]{1,32}$/;
const URGENCY = /^(?:very-low|low|normal|high)$/;
const SUBJECT = /^(?:mailto:.+@.+|https:\/\/.+)$/;

/**
 * Is a push service (RFC 8030) and the browsers behind it. It checks who sends (RFC 8292), and
 * decrypts what comes (RFC 8291) with the keys of the subscription.
 */
export async function startWebPushStandIn({ port, certificate, terms, log }: Options) {
  const faults = new FaultSwitch();
  const browsers = new Map<string, BrowserSecrets>();
  const server = createServer({ ...certificate }, (request, response) => {
    serve(request, response).catch((error: Error) =>
      sendJson(response, { status: 400, body: { error: error.message } }),
    );
  });
  const door = new TlsDoor(server, certificate);
  const own = await door.listen(port);
  const origin = `https://127.0.0.1:${own}`;
  const checkSender = senderCheck({ origin, publicKey: terms.vapidPublicKey });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const control = faults.next();
    const body = await readBody(request, 2 * BODY_BYTES_MAX);
    const id = /^\/push\/([\w-]+)$/.exec(request.url ?? '')?.[1] ?? '';
    const browser = browsers.get(id);
    if (browser === undefined) return sendJson(response, { status: 404 });
    const problem = (await checkSender(request)) ?? problemOf(request, body);
    if (problem !== undefined) return sendJson(response, problem);
    const text = await decrypt(body, browser);
    const push = JSON.parse(text.toString()) as Record<string, unknown>;
    const { topic, ttl, urgency } = request.headers;
    const headers = { topic: String(topic), ttl: String(ttl), urgency: String(urgency) };
    const noted = {
      provider: 'webpush',
      device: id,
      key: String(push.tag),
      push,
      headers,
    } as const;
    const exchange: Exchange = {
      take: () => log.note(noted),
      answer: () => sendJson(response, { status: 201, headers: { location: `${origin}/m/1` } }),
      refuse: (refusal, { retry_after_s: afterS }) =>
        sendJson(response, { status: STATUS[refusal], headers: { 'retry-after': String(afterS) } }),
      cut: () => door.reset(request.socket.remotePort),
      freeze: () => door.freeze(request.socket.remotePort),
    };
    act(exchange, control);
  };
  /** Subscribes as a browser does. */
  const subscribe = (): Subscription => {
    if (browsers.size >= SUBSCRIPTIONS_MAX) throw new Error('too many subscriptions');
    const ecdh = createECDH('prime256v1');
    const p256dh = ecdh.generateKeys();
    const auth = randomBytes(16);
    const id = randomBytes(16).toString('base64url');
    browsers.set(id, { privateKey: fill(ecdh.getPrivateKey()), p256dh, auth });
    const keys = { p256dh: p256dh.toString('base64url'), auth: auth.toString('base64url') };
    return { endpoint: `${origin}/push/${id}`, keys };
  };
  return { door, faults, subscribe, port: own };
}

/** A private key that begins with zeros comes without them. */
function fill(privateKey: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(32 - privateKey.length), privateKey]);
}

const STATUS: Record<Refusal, number> = {
  ...{ gone: 410, limited: 429, error: 500, unavailable: 503, too_large: 413, refused: 403 },
};

function problemOf({ method, headers }: IncomingMessage, body: Buffer): HttpAnswer | undefined {
  const bad = (error: string): HttpAnswer => ({ status: 400, body: { error } });
  if (method !== 'POST') return { status: 405 };
  if (!/^\d+$/.test(String(headers.ttl))) return bad('TTL');
  if (headers.topic !== undefined && !TOPIC.test(String(headers.topic))) return bad('Topic');
  if (!URGENCY.test(String(headers.urgency ?? 'normal'))) return bad('Urgency');
  if (headers['content-encoding'] !== 'aes128gcm') return { status: 415 };
  return body.length > BODY_BYTES_MAX ? { status: 413 } : undefined;
}

/** Checks that whoever sends has the key with which the browser subscribed. */
function senderCheck({ origin, publicKey }: { origin: string; publicKey: string }) {
  const point = Buffer.from(publicKey, 'base64url');
  const part = (from: number): string => point.subarray(from, from + 32).toString('base64url');
  const key = importJWK({ kty: 'EC', crv: 'P-256', x: part(1), y: part(33) }, 'ES256');
  const known = new Set<string>();
  return async ({ headers }: IncomingMessage): Promise<HttpAnswer | undefined> => {
    const { 1: token, 2: sender } =
      /^vapid t=([^,]+), ?k=([\w-]+)$/.exec(headers.authorization ?? '') ?? [];
    if (token === undefined) return { status: 401 };
    if (sender !== publicKey) return { status: 403 };
    if (known.has(token)) return undefined;
    try {
      const terms = { audience: origin, algorithms: ['ES256'] };
      const { payload } = await jwtVerify(token, await key, terms);
      const leftS = (payload.exp ?? Number.POSITIVE_INFINITY) - Date.now() / 1_000;
      if (leftS > TOKEN_LIFE_MAX_S) throw new Error('the token lives too long');
      if (!SUBJECT.test(payload.sub ?? '')) throw new Error('the token names nobody');
      known.add(token);
      return undefined;
    } catch {
      return { status: 403 };
    }
  };
}
