import { createPublicKey, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { jwtVerify } from 'jose';
import { act, type Exchange, FaultSwitch, type Refusal } from './faults.ts';
import { type HttpAnswer, readBody, sendJson } from './http-exchange.ts';
import type { Certificate } from './make-certificate.ts';
import type { PushLog } from './push-log.ts';
import { TlsDoor } from './tls-door.ts';

/** The public key is a text in PEM. */
type FcmTerms = { projectId: string; clientEmail: string; publicKey: string };

type Options = { port: number; certificate: Certificate; terms: FcmTerms; log: PushLog };

const MESSAGE_BYTES_MAX = 4_096;
const BODY_BYTES_MAX = 64 * 1024;
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const TOKEN_S = 3_600;
const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

/**
 * Speaks the HTTP v1 protocol of FCM, and gives OAuth tokens at `/token` for an assertion that the
 * service account signed.
 */
export async function startFcmStandIn({ port, certificate, terms, log }: Options) {
  const faults = new FaultSwitch();
  const tokens = new Set<string>();
  const key = createPublicKey(terms.publicKey);
  const server = createServer({ ...certificate }, (request, response) => {
    serve(request, response).catch((error: Error) =>
      sendJson(
        response,
        failure({ status: 400, code: 'INVALID_ARGUMENT', message: error.message }),
      ),
    );
  });
  const door = new TlsDoor(server, certificate);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const control = request.url === '/token' ? undefined : faults.next();
    const body = await readBody(request, BODY_BYTES_MAX);
    if (control === undefined) return sendJson(response, await giveToken(request, body));
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!tokens.has(token)) return sendJson(response, UNAUTHENTICATED);
    if (request.url !== `/v1/projects/${terms.projectId}/messages:send`) {
      return sendJson(response, failure({ status: 404, code: 'NOT_FOUND', message: 'no project' }));
    }
    const message = readMessage(body);
    const exchange: Exchange = {
      take: () => log.note(noted(message)),
      answer: () => sendJson(response, { status: 200, body: { name: `${terms.projectId}/1` } }),
      refuse: (refusal, { retry_after_s: afterS }) =>
        sendJson(response, { ...REFUSALS[refusal], headers: { 'retry-after': String(afterS) } }),
      cut: () => door.reset(request.socket.remotePort),
      freeze: () => door.freeze(request.socket.remotePort),
    };
    act(exchange, control);
  };
  const giveToken = async (request: IncomingMessage, body: Buffer): Promise<HttpAnswer> => {
    const form = new URLSearchParams(body.toString());
    if (form.get('grant_type') !== GRANT) return { status: 400, body: { error: 'invalid_grant' } };
    const audience = `https://${request.headers.host}/token`;
    const expected = { issuer: terms.clientEmail, audience, algorithms: ['RS256'] };
    try {
      const { payload } = await jwtVerify(form.get('assertion') ?? '', key, expected);
      if (payload.scope !== SCOPE) throw new Error('another scope');
    } catch (error) {
      const { message } = error as Error;
      return { status: 400, body: { error: 'invalid_grant', error_description: message } };
    }
    const token = randomBytes(24).toString('base64url');
    tokens.add(token);
    const given = { access_token: token, expires_in: TOKEN_S, token_type: 'Bearer' };
    return { status: 200, body: given };
  };
  /** All tokens end, as they do when an account changes. */
  const endTokens = (): void => tokens.clear();
  return { door, faults, endTokens, port: await door.listen(port) };
}

type Message = {
  token: string;
  data: Record<string, unknown>;
  notification?: Record<string, unknown>;
  android?: { notification?: { tag?: string } };
};

/** Throws what FCM finds wrong with a message. */
function readMessage(body: Buffer): Message {
  const { message } = JSON.parse(body.toString()) as { message: Message };
  const { token, data, ...rest } = message;
  if (typeof token !== 'string' || token === '')
    throw new Error('The registration token is absent');
  for (const [name, value] of Object.entries(data)) {
    if (typeof value !== 'string') throw new Error(`Invalid value at 'message.data' (${name})`);
  }
  const size = Buffer.byteLength(JSON.stringify({ data, ...rest }));
  if (size > MESSAGE_BYTES_MAX) throw new Error('Android message is too big');
  return message;
}

function noted({ token, ...push }: Message) {
  const key = push.android?.notification?.tag;
  return {
    ...({ provider: 'fcm', device: token, push, headers: {} } as const),
    ...(key !== undefined && { key }),
  };
}

type Failure = { status: number; code: string; message: string; own?: string };

function failure({ status, code, message, own }: Failure): HttpAnswer {
  const details = own === undefined ? [] : [{ '@type': FCM_ERROR, errorCode: own }];
  return { status, body: { error: { code: status, message, status: code, details } } };
}

const UNAUTHENTICATED = failure({ status: 401, code: 'UNAUTHENTICATED', message: 'no token' });
const MESSAGE = 'on demand';
const REFUSALS: Record<Refusal, HttpAnswer> = {
  gone: failure({ status: 404, code: 'NOT_FOUND', message: MESSAGE, own: 'UNREGISTERED' }),
  limited: failure({
    ...{ status: 429, code: 'RESOURCE_EXHAUSTED', message: MESSAGE, own: 'QUOTA_EXCEEDED' },
  }),
  error: failure({ status: 500, code: 'INTERNAL', message: MESSAGE, own: 'INTERNAL' }),
  unavailable: failure({ status: 503, code: 'UNAVAILABLE', message: MESSAGE, own: 'UNAVAILABLE' }),
  too_large: failure({
    ...{ status: 400, code: 'INVALID_ARGUMENT', message: 'Android message is too big' },
  }),
  refused: failure({ status: 403, code: 'PERMISSION_DENIED', message: MESSAGE }),
};
