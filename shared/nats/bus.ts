import type { JsMsg, Msg, NatsConnection, Subscription } from 'nats';
import { Budget } from '../concurrency/budget.ts';
import { inboxPrefix, kindOf, natsUserOf, repliesPrefix } from '../contracts/permissions.ts';
import { subjects } from '../contracts/subjects.ts';
import { KahaError } from '../errors.ts';
import { heapShare } from '../process/heap-share.ts';
import type { Logger } from '../process/logger.ts';
import type { Metrics } from '../process/metrics.ts';
import { type ConsumeOptions, startConsumer } from './consume.ts';
import { connectNats, watchStatus } from './nats-connection.ts';
import { parseJson } from './parse-json.ts';
import { ReplyMux } from './reply-mux.ts';
import { RpcAnswers } from './rpc-answers.ts';
import { RpcClient } from './rpc-client.ts';
import { type RpcHandler, type RpcServer, type ServeOptions, serveRpc } from './rpc-server.ts';
import { newTraceparent } from './trace.ts';
import { Transit } from './transit.ts';
import { WriteBacklog } from './write-backlog.ts';
import { batchWrites, type Writes } from './write-batches.ts';

export type { JsMsg, Msg, RpcHandler, RpcServer };

export type RequestOptions = { timeoutMs: number; trace?: string | undefined };
type JetPublishOptions = { msgId: string; timeoutMs: number };

/**
 * The bus is the only way to NATS. No call hangs: each call has a deadline, and a lost connection
 * rejects all calls at once. A call that fails rejects with a KahaError: TIMEOUT,
 * MESSAGING_UNAVAILABLE, the error that the peer answered, or DATABASE_UNAVAILABLE if the call was
 * for store and no instance of store listens.
 */
export type Bus = {
  readonly nc: NatsConnection;
  readonly connected: boolean;
  /** Sends a JSON request, and resolves with the `data` of the answer. */
  request<Reply>(subject: string, body: unknown, options: RequestOptions): Promise<Reply>;
  /**
   * Makes a sender of raw requests. Their replies come below `prefix`, which the permissions of
   * this NATS user must let it subscribe to.
   */
  mux(prefix: string): ReplyMux;
  serve(options: ServeOptions, handler: RpcHandler): RpcServer;
  /**
   * The bus calls `fill` once, right before the connection writes next, so that `fill` publishes
   * what its caller has gathered. `fill` must not throw and must not call `beforeWrite`. `nc.flush`
   * does not wait for `fill`.
   */
  beforeWrite(fill: () => void): void;
  /**
   * Publishes best effort. It returns false without a connection, where the payload would vanish,
   * and where too much waits to be written.
   */
  publish(subject: string, payload: Uint8Array | string): boolean;
  /** Makes a core subscription (no JetStream). `listener` must not throw. */
  subscribe(subject: string, listener: (msg: Msg) => void): Subscription;
  /**
   * Resolves once the stream has stored the payload. A repeated `msgId` within the stream's
   * duplicate window resolves too, and is not stored again.
   */
  jetPublish(subject: string, payload: Uint8Array, options: JetPublishOptions): Promise<void>;
  /**
   * Acknowledges what JetStream has delivered, in the way that `payload` says, and resolves once
   * its consumer has carried that out.
   */
  confirm(ackSubject: string, payload: Uint8Array, options: { timeoutMs: number }): Promise<void>;
  consume(options: ConsumeOptions): { close(): Promise<void> };
  onReconnect(listener: () => void): void;
  close(): Promise<void>;
};

type BusOptions = {
  url: string;
  nkeySeed: string;
  instance: string;
  logger: Logger;
  metrics: Metrics;
  /** A publish that may wait goes at most this long after the last write. The default is 0. */
  writeGapMs?: () => number;
};

const WAITING_WARN_MS = 2_000;
/** Requests of so many bytes may be handled at once. The counts are those of the servers. */
const SERVED_BYTES_MAX = heapShare(1 / 8, 64 * 1024 ** 2);

/** Connects as the NATS user of the instance. A connection closed for good ends the process. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { logger, instance } = options;
  const natsUser = natsUserOf(instance);
  const nc = await firstConnection(options, natsUser);
  const writes = batchWrites(nc, options.writeGapMs ?? (() => 0));
  const backlog = new WriteBacklog(nc);
  const link = followLink(nc, { ...options, writes, backlog });
  const answers = new RpcAnswers({ nc, writes, backlog, logger, service: kindOf(natsUser) });
  const served = new Budget({ count: Number.POSITIVE_INFINITY, bytes: SERVED_BYTES_MAX });
  const transit = new Transit(nc);
  link.onReconnect(() => transit.reconnected());
  const replies = link.openMux(inboxPrefix(natsUser));
  const rpc = link.openRpc(repliesPrefix(natsUser));
  const inFlight = (): number => rpc.inFlight + replies.inFlight;
  const { gauge } = options.metrics;
  gauge('kaha_nats_requests_in_flight', 'NATS requests that wait', inFlight);
  gauge('kaha_nats_unwritten_bytes', 'Bytes that NATS has not taken', () => backlog.bytes);
  gauge('kaha_requests_served_bytes', 'Bytes of the requests at work', () => served.bytes);
  return {
    nc,
    get connected() {
      return link.connected();
    },
    async request<Reply>(subject: string, body: unknown, { timeoutMs, trace }: RequestOptions) {
      link.assertConnected();
      const call = { timeoutMs, trace: trace ?? newTraceparent() };
      return (await answered(subject, rpc.ask(subject, body, call))) as Reply;
    },
    mux: link.openMux,
    serve(serveOptions, handler) {
      transit.start();
      return serveRpc({ nc, answers, transit, served, logger }, serveOptions, handler);
    },
    beforeWrite: writes.beforeNext,
    publish(subject, payload) {
      if (!link.connected() || nc.isClosed() || !backlog.hasRoom(payload.length)) return false;
      nc.publish(subject, payload);
      return true;
    },
    subscribe: (subject, listener) =>
      nc.subscribe(subject, {
        callback: (error, msg) => {
          if (error === null) listener(msg);
          else logger.error({ err: error, subject }, 'subscription refused');
        },
      }),
    async jetPublish(subject, payload, { msgId, timeoutMs }) {
      link.assertConnected();
      const headerLines = `Nats-Msg-Id: ${msgId}\r\n`;
      assertStored(await replies.ask({ subject, payload, headerLines, timeoutMs }));
    },
    async confirm(subject, payload, { timeoutMs }) {
      link.assertConnected();
      await replies.ask({ subject, payload, timeoutMs });
    },
    consume: (consumeOptions) => startConsumer({ nc, logger }, consumeOptions),
    onReconnect: link.onReconnect,
    close() {
      transit.close();
      return link.close();
    },
  };
}

/** Turns "no store listens" into DATABASE_UNAVAILABLE: to clients, store is the database. */
async function answered<Data>(subject: string, answer: Promise<Data>): Promise<Data> {
  try {
    return await answer;
  } catch (error) {
    const isStoreAway =
      error instanceof KahaError && error.noResponders && subject.startsWith(subjects.store(''));
    if (!isStoreAway) throw error;
    const options = { noResponders: true, cause: error };
    throw new KahaError('DATABASE_UNAVAILABLE', 'No store is available', options);
  }
}

/** Waits for the first connection, for ever if need be, and logs a warning every 2 s. */
async function firstConnection(options: BusOptions, natsUser: string): Promise<NatsConnection> {
  const warn = (): void => options.logger.warn('waiting for the first connection to NATS');
  const timer = setInterval(warn, WAITING_WARN_MS);
  try {
    return await connectNats({ ...options, natsUser });
  } finally {
    clearInterval(timer);
  }
}

type Link = Pick<Bus, 'onReconnect' | 'close'> & {
  connected(): boolean;
  assertConnected(): void;
  openMux(prefix: string): ReplyMux;
  openRpc(prefix: string): RpcClient;
};
type LinkOptions = BusOptions & { writes: Writes; backlog: WriteBacklog };
type Asker = Pick<ReplyMux, 'failAll' | 'close'>;

/** Knows whether NATS is connected, and rejects all requests that wait when it is not. */
function followLink(nc: NatsConnection, options: LinkOptions): Link {
  const { logger, metrics, writes, backlog } = options;
  const askers: Asker[] = [];
  const listeners: (() => void)[] = [];
  let connected = true;
  let closing = false;
  const reconnects = metrics.counter('kaha_nats_reconnects_total', 'Reconnects to NATS');
  metrics.gauge('kaha_nats_connected', '1 while connected to NATS', () => (connected ? 1 : 0));
  void watchStatus(nc, {
    logger,
    onDisconnect: () => {
      connected = false;
      for (const asker of askers) asker.failAll();
    },
    onReconnect: () => {
      connected = true;
      reconnects.inc();
      for (const listener of listeners) listener();
    },
  });
  void nc.closed().then((error) => {
    connected = false;
    if (!closing) throw new Error('the NATS connection closed', { cause: error });
  });
  return {
    connected: () => connected,
    assertConnected() {
      if (!connected) throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is not connected');
    },
    openMux(prefix) {
      const mux = new ReplyMux({ nc, backlog, prefix });
      askers.push(mux);
      return mux;
    },
    openRpc(prefix) {
      const rpc = new RpcClient({ nc, writes, backlog, prefix });
      askers.push(rpc);
      return rpc;
    },
    onReconnect: (listener) => void listeners.push(listener),
    async close() {
      closing = true;
      writes.now();
      for (const asker of askers) asker.close();
      if (nc.isClosed()) return;
      try {
        if (connected) await nc.flush();
      } finally {
        await nc.close();
      }
    },
  };
}

/** JetStream answers a publish `{"stream":…,"seq":…}` or `{"error":{code,description},…}`. */
function assertStored(msg: Msg): void {
  const ack = parseJson(msg.data) as { error?: { code: number; description: string } };
  if (ack.error === undefined) return;
  throw new KahaError('MESSAGING_UNAVAILABLE', `Not stored: ${ack.error.description}`);
}
