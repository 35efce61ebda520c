import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { connectNats } from '../../shared/nats-connection.ts';
import { subjects } from '../../shared/subjects.ts';
import { namedBusinesses, namedUsers, type StandInBusiness, type StandInUser } from './people.ts';
import { createTokenMint, type TokenMint } from './token-mint.ts';

export type KahaOptions = {
  port: number;
  serviceToken: string;
  keyFile: string;
  /** Where profile events go; without it none are published. */
  nats: { url: string; nkeySeed: string } | undefined;
};

type Control = { mode: 'ok' | 'slow' | 'down' | 'error' | 'malformed'; delay_ms: number };

type State = {
  options: KahaOptions;
  mint: TokenMint;
  nats: NatsConnection | undefined;
  users: Map<string, StandInUser>;
  businesses: Map<string, StandInBusiness>;
  control: Control;
  counts: { batch_calls: number; ids: number };
};

type Answer = { status: number; body: unknown };
type Handler = (state: State, body: Record<string, unknown>) => Promise<Answer> | Answer;

const BODY_BYTES_MAX = 1024 * 1024;
const TTL_DEFAULT_S = 3_600;
const IDS_MAX = 100;

/**
 * Speaks the wire protocol of kaha-main-v3, for development and tests only: profiles in batches, a
 * JWKS, tokens for anybody who asks, profile events, and failures on demand (`POST /_control`).
 */
export async function startKahaStandIn(options: KahaOptions): Promise<{ close(): Promise<void> }> {
  const nats =
    options.nats && (await connectNats({ ...options.nats, natsUser: 'kaha', instance: 'kaha' }));
  const state: State = {
    options,
    mint: await createTokenMint(options.keyFile),
    nats,
    users: namedUsers(),
    businesses: namedBusinesses(),
    control: { mode: 'ok', delay_ms: 0 },
    counts: { batch_calls: 0, ids: 0 },
  };
  const server = createServer((request, response) => void serve(state, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return {
    async close() {
      server.close();
      server.closeAllConnections();
      await nats?.close();
    },
  };
}

const ROUTES: Record<string, Handler> = {
  'GET /.well-known/jwks.json': ({ mint }) => ({ status: 200, body: mint.jwks }),
  'POST /_dev/token': mintTokens,
  'POST /_dev/users': addUsers,
  'POST /_dev/profile-updated': publishUpdate,
  'POST /_control': (state, body) => {
    Object.assign(state.control, body);
    return { status: 200, body: state.control };
  },
  'GET /_control': ({ control, counts }) => ({ status: 200, body: { ...control, ...counts } }),
};

async function serve(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    const body = await readBody(request);
    if (route === 'POST /api/batch/profiles')
      return await serveBatch(state, { request, response, body });
    const answer = (await ROUTES[route]?.(state, body)) ?? { status: 404, body: {} };
    send(response, answer);
  } catch (error) {
    send(response, { status: 400, body: { error: (error as Error).message } });
  }
}

type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  body: Record<string, unknown>;
};

async function serveBatch(state: State, { request, response, body }: Exchange): Promise<void> {
  const { control, counts, options, users, businesses } = state;
  if (request.headers.authorization !== `Bearer ${options.serviceToken}`) {
    return send(response, { status: 401, body: { error: 'service token' } });
  }
  const userIds = (body.user_ids ?? []) as string[];
  const businessIds = (body.business_ids ?? []) as string[];
  counts.batch_calls += 1;
  counts.ids += userIds.length + businessIds.length;
  if (control.mode === 'down') return void request.socket.destroy();
  if (control.mode === 'error') return send(response, { status: 500, body: {} });
  if (control.mode === 'malformed') return void response.end('{"users":[');
  if (userIds.length > IDS_MAX || businessIds.length > IDS_MAX) {
    return send(response, { status: 400, body: { error: `at most ${IDS_MAX} ids` } });
  }
  if (control.mode === 'slow') await delay(control.delay_ms);
  send(response, {
    status: 200,
    body: {
      users: userIds.flatMap((id) => users.get(id) ?? []),
      businesses: businessIds.flatMap((id) => businesses.get(id) ?? []),
    },
  });
}

async function mintTokens({ mint }: State, body: Record<string, unknown>): Promise<Answer> {
  const ttlS = Number(body.ttl_s ?? TTL_DEFAULT_S);
  if (Array.isArray(body.user_ids)) {
    const tokens = await Promise.all(body.user_ids.map((id) => mint.mint(String(id), ttlS)));
    return { status: 200, body: { tokens } };
  }
  return { status: 200, body: { token: await mint.mint(String(body.user_id), ttlS) } };
}

function addUsers({ users }: State, body: Record<string, unknown>): Answer {
  for (const user of body.users as StandInUser[]) users.set(user.id, user);
  return { status: 200, body: {} };
}

function publishUpdate({ nats }: State, body: Record<string, unknown>): Answer {
  const id = body.user_id ?? body.business_id;
  const subject = body.user_id ? subjects.userProfileUpdated : subjects.businessProfileUpdated;
  nats?.publish(subject, JSON.stringify({ id }));
  return { status: 202, body: {} };
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
