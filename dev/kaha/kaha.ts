import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from 'nats';
import { subjects } from '../../shared/contracts/subjects.ts';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import { Asked } from './asked.ts';
import { directoryOf } from './directory.ts';
import { FAULTS, isMode, type Mode } from './faults.ts';
import { namedBusinesses, namedUsers, type StandInBusiness, type StandInUser } from './people.ts';
import { createTokenMint, type TokenMint } from './token-mint.ts';

export type KahaOptions = {
  /** The stand-in takes a free port if this is 0. */
  port: number;
  serviceToken: string;
  keyFile: string;
  /** The stand-in publishes profile events here. It publishes none without it. */
  nats: { url: string; nkeySeed: string } | undefined;
  /** The stand-in posts events to this webhook. */
  webhookUrl?: string | undefined;
};

type Control = {
  mode: Mode;
  delay_ms: number;
  /**
   * This many more calls are answered in this mode, and later ones in the mode `ok`. If it is null,
   * all calls are answered in this mode.
   */
  calls: number | null;
};

type State = {
  options: KahaOptions;
  mint: TokenMint;
  nats: NatsConnection | undefined;
  users: Map<string, StandInUser>;
  businesses: Map<string, StandInBusiness>;
  control: Control;
  asked: Asked;
};

type KahaStandIn = {
  port: number;
  /** Resolves once the stand-in can publish events. */
  connected: Promise<void>;
  close(): Promise<void>;
};

type Answer = { status: number; body: unknown };
type Handler = (state: State, body: Record<string, unknown>) => Promise<Answer> | Answer;

const BODY_BYTES_MAX = 1024 * 1024;
const TTL_DEFAULT_S = 3_600;
const SLOW_DEFAULT_MS = 5_000;
const IDS_MAX = 100;
const OWN_PAGE = /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?$/;

/**
 * Starts a stand-in that speaks the wire protocol of kaha-main-v3, for development and tests only.
 * It serves profiles in batches, a JWKS, tokens for anybody who asks, profile events, and failures
 * on demand:
 *
 *     POST /api/batch/profiles    {user_ids, business_ids} → {users, businesses}, known ones only
 *     POST /_dev/token            {user_id, ttl_s?} → {token}; {user_ids, ttl_s?} → {tokens}
 *     GET  /_dev/people           the people and businesses that the page offers (Directory)
 *     POST /_dev/users            {users?: […], businesses?: […]}: adds or replaces
 *     POST /_dev/profile-updated  {user_id} or {business_id}: publishes the event, or posts it to
 *                                 profiles with {via: "webhook"}
 *     POST /_control              {mode?, delay_ms?, calls?, reset?}: how batches are answered from
 *                                 now on, or the next `calls` of them; the modes are in faults.ts.
 *                                 reset: true counts from zero
 *     GET  /_control              the mode, and what the stand-in was asked (AskedCounts)
 *
 * A malformed body is answered 400 {error}. A page of this machine may read what `_dev` answers.
 */
export async function startKahaStandIn(options: KahaOptions): Promise<KahaStandIn> {
  const state: State = {
    options,
    mint: await createTokenMint(options.keyFile),
    nats: undefined,
    users: namedUsers(),
    businesses: namedBusinesses(),
    control: { mode: 'ok', delay_ms: SLOW_DEFAULT_MS, calls: null },
    asked: new Asked(),
  };
  const server = createServer((request, response) => void serve(state, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  // Only events need NATS, so tokens can be had without it.
  const connected = connectTo(options.nats).then((nats) => {
    state.nats = nats;
  });
  return {
    port: (server.address() as AddressInfo).port,
    connected,
    async close() {
      server.close();
      server.closeAllConnections();
      await state.nats?.close();
    },
  };
}

function connectTo(nats: KahaOptions['nats']): Promise<NatsConnection | undefined> {
  if (nats === undefined) return Promise.resolve(undefined);
  return connectNats({ ...nats, natsUser: 'kaha', instance: 'kaha' });
}

const ROUTES: Record<string, Handler> = {
  'GET /.well-known/jwks.json': ({ mint }) => ({ status: 200, body: mint.jwks }),
  'POST /_dev/token': mintTokens,
  'GET /_dev/people': (state) => ({ status: 200, body: directoryOf(state) }),
  'POST /_dev/users': addPeople,
  'POST /_dev/profile-updated': publishUpdate,
  'POST /_control': changeControl,
  'GET /_control': ({ control, asked }) => ({ status: 200, body: { ...control, ...asked.counts } }),
};

async function serve(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    const body = await readBody(request);
    allowPages(request, response);
    if (route === 'POST /api/batch/profiles') return serveBatch(state, { request, response, body });
    const answer = (await ROUTES[route]?.(state, body)) ?? { status: 404, body: {} };
    send(response, answer);
  } catch (error) {
    send(response, { status: 400, body: { error: (error as Error).message } });
  }
}

/** Lets pages of this machine, and no others, read the answer. */
function allowPages({ headers, url = '' }: IncomingMessage, response: ServerResponse): void {
  const { origin = '' } = headers;
  if (!url.startsWith('/_dev/') || !OWN_PAGE.test(origin)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
}

type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  body: Record<string, unknown>;
};

function serveBatch(state: State, { request, response, body }: Exchange): void {
  const { asked, options, users, businesses } = state;
  if (request.headers.authorization !== `Bearer ${options.serviceToken}`) {
    asked.refuse();
    send(response, { status: 401, body: { error: 'service token' } });
    return;
  }
  const userIds = (body.user_ids ?? []) as string[];
  const businessIds = (body.business_ids ?? []) as string[];
  response.once('close', asked.begin([...userIds, ...businessIds]));
  if (userIds.length + businessIds.length > IDS_MAX) {
    send(response, { status: 400, body: { error: `at most ${IDS_MAX} ids` } });
    return;
  }
  const { mode, delayMs } = takeMode(state.control);
  const answer = {
    users: userIds.flatMap((id) => users.get(id) ?? []),
    businesses: businessIds.flatMap((id) => businesses.get(id) ?? []),
  };
  void FAULTS[mode](response, answer, delayMs);
}

function takeMode(control: Control): { mode: Mode; delayMs: number } {
  const { mode, delay_ms: delayMs, calls } = control;
  if (calls !== null) {
    control.calls = calls - 1;
    if (control.calls <= 0) Object.assign(control, { mode: 'ok', calls: null });
  }
  return { mode, delayMs };
}

async function mintTokens({ mint }: State, body: Record<string, unknown>): Promise<Answer> {
  const ttlS = Number(body.ttl_s ?? TTL_DEFAULT_S);
  if (!Number.isInteger(ttlS)) throw new Error('ttl_s is a whole number of seconds');
  const isBatch = body.user_ids !== undefined;
  const userIds = isBatch ? body.user_ids : [body.user_id];
  if (!Array.isArray(userIds) || !userIds.every((id) => typeof id === 'string')) {
    throw new Error('user_id or user_ids is needed');
  }
  const tokens = await Promise.all(userIds.map((id) => mint.mint(id, ttlS)));
  return { status: 200, body: isBatch ? { tokens } : { token: tokens[0] } };
}

function addPeople({ users, businesses }: State, body: Record<string, unknown>): Answer {
  for (const user of (body.users ?? []) as StandInUser[]) users.set(user.id, user);
  for (const one of (body.businesses ?? []) as StandInBusiness[]) businesses.set(one.id, one);
  return { status: 200, body: {} };
}

function changeControl({ control, asked }: State, body: Record<string, unknown>): Answer {
  const { mode = control.mode, delay_ms: delayMs = control.delay_ms, calls = null } = body;
  if (!isMode(mode)) throw new Error(`mode is one of ${Object.keys(FAULTS).join(', ')}`);
  if (!isCount(delayMs)) throw new Error('delay_ms is a whole number');
  if (calls !== null && !(isCount(calls) && calls > 0)) throw new Error('calls is at least 1');
  Object.assign(control, { mode, delay_ms: delayMs, calls });
  if (body.reset === true) asked.reset();
  return { status: 200, body: control };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

async function publishUpdate(state: State, body: Record<string, unknown>): Promise<Answer> {
  const { nats, options } = state;
  const id = body.user_id ?? body.business_id;
  if (typeof id !== 'string') throw new Error('user_id or business_id is needed');
  const subject = body.user_id ? subjects.userProfileUpdated : subjects.businessProfileUpdated;
  if (body.via === 'webhook') return { status: await postUpdate(options, subject, id), body: {} };
  if (nats === undefined) throw new Error('not connected to NATS');
  nats.publish(subject, JSON.stringify({ id }));
  return { status: 202, body: {} };
}

async function postUpdate(options: KahaOptions, subject: string, id: string): Promise<number> {
  if (options.webhookUrl === undefined) throw new Error('no address for webhooks');
  const { status } = await fetch(options.webhookUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${options.serviceToken}` },
    body: JSON.stringify({ event: subject.replace(/^kaha\./, ''), id }),
  });
  return status;
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('body too large');
    chunks.push(chunk);
  }
  return bytes === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
