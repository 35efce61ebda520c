import { createPublicKey } from 'node:crypto';
import {
  constants,
  createSecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server } from 'node:tls';
import { jwtVerify } from 'jose';
import { act, type Control, type Exchange, FaultSwitch, type Refusal } from './faults.ts';
import type { Certificate } from './make-certificate.ts';
import type { PushLog } from './push-log.ts';
import { TlsDoor } from './tls-door.ts';

/** The public key is a text in PEM. */
type ApnsTerms = { keyId: string; teamId: string; publicKey: string; topic: string };

type Options = { port: number; certificate: Certificate; terms: ApnsTerms; log: PushLog };
type Answer = { status: number; body?: Record<string, unknown>; retryAfterS?: number };
type Environment = 'production' | 'sandbox';

const BODY_BYTES_MAX = 4_096;
const COLLAPSE_BYTES_MAX = 64;
const TOKEN_AGE_MAX_S = 3_600;
const PATH = /^\/3\/device\/([0-9a-f]{64,200})$/;
/** A token that begins so is one of the sandbox, in this stand-in. */
const SANDBOX = /^5a5a/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Speaks the protocol of APNs over HTTP/2 for one environment: it checks our token, the topic, all
 * headers and the size of the body as Apple's documents say.
 */
export async function startApnsStandIn(options: Options, environment: Environment) {
  const { certificate, log } = options;
  const faults = new FaultSwitch();
  const server = createSecureServer({ ...certificate });
  const door = new TlsDoor(server as Server, certificate);
  const checkToken = tokenCheck(options.terms);
  /** A session that was sent GOAWAY begins with nothing above this stream. */
  const lastStreams = new WeakMap<Http2Session, number>();
  server.on('session', (session) => session.on('error', () => session.destroy()));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    const { session } = stream;
    if (session === undefined || (stream.id ?? 0) > (lastStreams.get(session) ?? Infinity)) return;
    const control = faults.next();
    if (control.mode === 'goaway') {
      // Node takes 0 for the last stream that came, so the first one is refused by itself.
      const last = (stream.id ?? 1) - 2;
      if (last <= 0) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
      lastStreams.set(session, last);
      return session.goaway(constants.NGHTTP2_NO_ERROR, last);
    }
    serve(stream, headers, control).catch(() => stream.destroy());
  });
  const serve = async (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    control: Control,
  ): Promise<void> => {
    const body = await read(stream);
    const problem = (await checkToken(headers)) ?? problemOf(headers, body, options.terms.topic);
    const device = PATH.exec(String(headers[':path']))?.[1] ?? '';
    if (problem !== undefined) return reply(stream, problem);
    if (SANDBOX.test(device) !== (environment === 'sandbox')) {
      return reply(stream, { status: 400, body: { reason: 'BadDeviceToken' } });
    }
    const exchange: Exchange = {
      take: () => log.note(noted(device, headers, body)),
      answer: () => reply(stream, { status: 200 }),
      refuse: (refusal, { retry_after_s: retryAfterS, since_ms: sinceMs }) =>
        reply(stream, { ...refusalOf(refusal, sinceMs ?? Date.now()), retryAfterS }),
      cut: () => door.reset(stream.session?.socket.remotePort),
      freeze: () => door.freeze(stream.session?.socket.remotePort),
    };
    act(exchange, control);
  };
  return { door, faults, port: await door.listen(options.port) };
}

function refusalOf(refusal: Refusal, timestamp: number): Answer {
  const refusals: Record<Refusal, Answer> = {
    gone: { status: 410, body: { reason: 'Unregistered', timestamp } },
    limited: { status: 429, body: { reason: 'TooManyRequests' } },
    error: { status: 500, body: { reason: 'InternalServerError' } },
    unavailable: { status: 503, body: { reason: 'ServiceUnavailable' } },
    too_large: { status: 413, body: { reason: 'PayloadTooLarge' } },
    refused: { status: 403, body: { reason: 'InvalidProviderToken' } },
  };
  return refusals[refusal];
}

/** Checks the token by which APNs knows us. A token that was right is not checked anew. */
function tokenCheck({ keyId, teamId, publicKey }: ApnsTerms) {
  const key = createPublicKey(publicKey);
  const known = new Map<string, number>();
  return async ({ authorization = '' }: IncomingHttpHeaders): Promise<Answer | undefined> => {
    const token = /^bearer (.+)$/.exec(authorization)?.[1];
    if (token === undefined) return { status: 403, body: { reason: 'MissingProviderToken' } };
    try {
      const issuedAtS = known.get(token) ?? (await verify(token));
      known.set(token, issuedAtS);
      const isOld = Math.abs(Date.now() / 1_000 - issuedAtS) > TOKEN_AGE_MAX_S;
      return isOld ? { status: 403, body: { reason: 'ExpiredProviderToken' } } : undefined;
    } catch {
      return { status: 403, body: { reason: 'InvalidProviderToken' } };
    }
  };
  async function verify(token: string): Promise<number> {
    const terms = { issuer: teamId, algorithms: ['ES256'] };
    const { payload, protectedHeader } = await jwtVerify(token, key, terms);
    if (protectedHeader.kid !== keyId || payload.iat === undefined) throw new Error('wrong key');
    return payload.iat;
  }
}

function problemOf(headers: IncomingHttpHeaders, body: Buffer, topic: string): Answer | undefined {
  const bad = (reason: string): Answer => ({ status: 400, body: { reason } });
  if (headers[':method'] !== 'POST') return { status: 405, body: { reason: 'MethodNotAllowed' } };
  if (!PATH.test(String(headers[':path']))) return bad('BadDeviceToken');
  if (headers['apns-topic'] === undefined) return bad('MissingTopic');
  if (headers['apns-topic'] !== topic) return bad('DeviceTokenNotForTopic');
  if (!UUID.test(String(headers['apns-id']))) return bad('BadMessageId');
  if (!/^(?:alert|background)$/.test(String(headers['apns-push-type'])))
    return bad('InvalidPushType');
  if (!/^(?:1|5|10)$/.test(String(headers['apns-priority']))) return bad('BadPriority');
  if (!/^\d+$/.test(String(headers['apns-expiration']))) return bad('BadExpirationDate');
  const collapse = String(headers['apns-collapse-id'] ?? '');
  if (Buffer.byteLength(collapse) > COLLAPSE_BYTES_MAX) return bad('BadCollapseId');
  if (body.length === 0) return bad('PayloadEmpty');
  if (body.length > BODY_BYTES_MAX) return { status: 413, body: { reason: 'PayloadTooLarge' } };
  return undefined;
}

function noted(device: string, headers: IncomingHttpHeaders, body: Buffer) {
  const shown = [
    'apns-id',
    'apns-collapse-id',
    'apns-priority',
    'apns-expiration',
    'apns-push-type',
  ];
  const key = headers['apns-collapse-id'];
  return {
    ...({ provider: 'apns', device, push: JSON.parse(body.toString()) } as const),
    ...(typeof key === 'string' && { key }),
    headers: Object.fromEntries(shown.map((name) => [name, String(headers[name] ?? '')])),
  };
}

async function read(stream: ServerHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

function reply(stream: ServerHttp2Stream, { status, body, retryAfterS }: Answer): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond({
    ':status': status,
    ...(status >= 429 && retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
  });
  stream.end(body === undefined ? undefined : JSON.stringify(body));
}
