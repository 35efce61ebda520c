import uWS, { type HttpRequest, type HttpResponse, type WebSocket } from 'uWebSockets.js';
import { randomUUID } from 'node:crypto';

/** Each fault hits every n-th event, counted from 1. A fault whose n is 0 never happens. */
export type Faults = {
  loseEvery: number;
  repeatEvery: number;
  /** The event is held back until the next one to the same socket was sent. */
  swapEvery: number;
  /** Each n-th send is answered RATE_LIMITED and not carried out. */
  refuseEvery: number;
  /** This many upgrades are refused with 503 first. */
  refusedUpgrades: number;
};
export type FakeStack = { url: string; sockets(): number; cutAll(): void; close(): void };

type Socket = WebSocket<Session>;
type Session = {
  userId: string;
  deviceId: string;
  q: number;
  held: string | undefined;
  socket?: Socket;
};
type Conversation = { id: string; people: string[]; seq: number };
type State = {
  faults: Faults;
  sessions: Map<string, Set<Session>>;
  conversations: Map<string, Conversation>;
  /** The set has the devices that have connected before, as `<user>/<device>`. */
  devices: Set<string>;
  events: number;
  sends: number;
  upgrades: number;
};

const NO_FAULTS: Faults = {
  loseEvery: 0,
  repeatEvery: 0,
  swapEvery: 0,
  refuseEvery: 0,
  refusedUpgrades: 0,
};

/**
 * The fake stack is an edge and the stand-in for tokens in one, as small as can be. A token is the
 * user's id, nothing is kept, and everything is fanned out at once. It serves to prove what the
 * generator sees, and what it costs.
 */
export async function startFakeStack(faults: Partial<Faults> = {}): Promise<FakeStack> {
  const state: State = {
    faults: { ...NO_FAULTS, ...faults },
    sessions: new Map(),
    conversations: new Map(),
    devices: new Set(),
    events: 0,
    sends: 0,
    upgrades: 0,
  };
  const app = uWS.App();
  app.ws<Session>('/ws', {
    idleTimeout: 0,
    sendPingsAutomatically: false,
    upgrade: (res, req, context) => upgrade(state, { res, req, context }),
    open(socket) {
      const session = socket.getUserData();
      session.socket = socket;
      if (session.userId !== '') join(state, session);
    },
    message: (socket, bytes) => receive(state, socket, Buffer.from(bytes).toString()),
    close: (socket) =>
      void sessionsOf(state, socket.getUserData().userId).delete(socket.getUserData()),
  });
  app.post('/_dev/token', (res) => readJson(res, (body) => ({ tokens: body.user_ids })));
  app.post('/api/v1/conversations', (res, req) => {
    const userId = req.getHeader('authorization').slice('Bearer '.length);
    readJson(res, (body) => converse(state, userId, body.participant_ids as string[]));
  });
  const listening = await new Promise<uWS.us_listen_socket>((resolve) => {
    app.listen('127.0.0.1', 0, (socket) => resolve(socket as uWS.us_listen_socket));
  });
  return {
    url: `http://127.0.0.1:${uWS.us_socket_local_port(listening as never)}`,
    sockets: () => [...state.sessions.values()].reduce((sum, { size }) => sum + size, 0),
    cutAll() {
      for (const sessions of state.sessions.values()) {
        for (const { socket } of [...sessions]) socket?.close();
      }
    },
    close: () => app.close(),
  };
}

type Upgrade = {
  res: HttpResponse;
  req: HttpRequest;
  context: Parameters<HttpResponse['upgrade']>[4];
};

function upgrade(state: State, { res, req, context }: Upgrade): void {
  state.upgrades += 1;
  if (state.upgrades <= state.faults.refusedUpgrades) {
    res.writeStatus('503 Service Unavailable').writeHeader('retry-after', '0.1').end();
    return;
  }
  const protocols = req.getHeader('sec-websocket-protocol');
  const bearer = /bearer\.([0-9a-f-]+)/.exec(protocols)?.[1];
  const userId = bearer ?? req.getHeader('authorization').slice('Bearer '.length);
  const device = /device\.([\w-]+)/.exec(protocols)?.[1] ?? req.getHeader('x-device-id');
  const session: Session = { userId, deviceId: device, q: 0, held: undefined };
  const key = req.getHeader('sec-websocket-key');
  res.upgrade(session, key, protocols === '' ? '' : 'kaha.v1', '', context);
}

function join(state: State, session: Session): void {
  sessionsOf(state, session.userId).add(session);
  const device = `${session.userId}/${session.deviceId}`;
  const resumed = state.devices.has(device);
  state.devices.add(device);
  session.socket?.send(JSON.stringify({ type: 'auth_ok', resumed, heartbeat_interval_ms: 15_000 }));
  if (!resumed) push(session, '{"type":"replay_end","complete":true}');
}

type ClientFrame = Record<
  'type' | 'conversation_id' | 'client_msg_id' | 'content' | 'token' | 'device_id',
  string
>;

function receive(state: State, socket: Socket, text: string): void {
  const session = socket.getUserData();
  const frame = JSON.parse(text) as ClientFrame;
  if (frame.type === 'ping') socket.send('{"type":"pong"}');
  else if (frame.type === 'auth') {
    session.userId = frame.token;
    session.deviceId = frame.device_id;
    join(state, session);
  } else if (frame.type === 'message') take(state, session, frame);
}

function take(state: State, session: Session, frame: ClientFrame): void {
  const { client_msg_id, content } = frame;
  state.sends += 1;
  if (isTurn(state.sends, state.faults.refuseEvery)) {
    const error = { code: 'RATE_LIMITED', message: 'Too many', retry_after: 1 };
    session.socket?.send(JSON.stringify({ type: 'error', client_msg_id, error }));
    return;
  }
  const conversation = state.conversations.get(frame.conversation_id) as Conversation;
  conversation.seq += 1;
  const ids = { message_id: randomUUID(), conversation_id: conversation.id };
  const data = { ...ids, client_msg_id, seq: conversation.seq, sent_at: new Date() };
  session.socket?.send(JSON.stringify({ type: 'reply', data }));
  const event = JSON.stringify({
    type: 'message',
    ...ids,
    seq: conversation.seq,
    sender_id: session.userId,
    client_msg_id,
    version: 1,
    content,
    message_type: 'text',
    sent_at: new Date(),
  });
  for (const userId of conversation.people) {
    for (const receiver of sessionsOf(state, userId)) deliver(state, receiver, event);
  }
}

function deliver(state: State, receiver: Session, event: string): void {
  const { loseEvery, repeatEvery, swapEvery } = state.faults;
  state.events += 1;
  if (isTurn(state.events, loseEvery)) return;
  if (receiver.held === undefined && isTurn(state.events, swapEvery)) {
    receiver.held = event;
    return;
  }
  push(receiver, event);
  if (isTurn(state.events, repeatEvery)) push(receiver, event);
  if (receiver.held !== undefined) push(receiver, receiver.held);
  receiver.held = undefined;
}

function push(receiver: Session, event: string): void {
  receiver.q += 1;
  receiver.socket?.send(`{"q":${receiver.q},${event.slice(1)}`);
}

function converse(state: State, userId: string, others: readonly string[]): object {
  const conversation = { id: randomUUID(), people: [userId, ...others], seq: 0 };
  state.conversations.set(conversation.id, conversation);
  return { conversation_id: conversation.id, last_seq: 0 };
}

function readJson(res: HttpResponse, answer: (body: Record<string, unknown>) => object): void {
  const chunks: Buffer[] = [];
  res.onAborted(() => undefined);
  res.onData((chunk, isLast) => {
    chunks.push(Buffer.from(Buffer.from(chunk)));
    if (!isLast) return;
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    res.end(JSON.stringify(answer(body)));
  });
}

function sessionsOf(state: State, userId: string): Set<Session> {
  const known = state.sessions.get(userId) ?? new Set();
  state.sessions.set(userId, known);
  return known;
}

function isTurn(count: number, every: number): boolean {
  return every > 0 && count % every === 0;
}
