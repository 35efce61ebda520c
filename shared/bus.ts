import type { JsMsg, Msg, NatsConnection, Subscription } from 'nats';
import { type ConsumeOptions, startConsumer } from './consume.ts';
import { KahaError, type WireError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { connectNats, watchStatus } from './nats-connection.ts';
import { inboxPrefix, natsUserOf } from './permissions.ts';
import { ReplyMux } from './reply-mux.ts';
import {
  parseJson,
  type RpcHandler,
  type RpcServer,
  type ServeOptions,
  serveRpc,
} from './rpc-server.ts';
import { subjects } from './subjects.ts';
import { newTraceparent } from './trace.ts';

export type { RpcContext } from './rpc-server.ts';
export type { ConsumeOptions, JsMsg, Msg, RpcHandler, RpcServer, Subscription };

export type RequestOptions = { timeoutMs: number; trace?: string | undefined };
export type JetPublishOptions = { msgId: string; timeoutMs: number };

/**
 * The only way to NATS. Guarantees: no call hangs (each has a deadline, a lost connection rejects
 * at once), and failures are KahaErrors: TIMEOUT, MESSAGING_UNAVAILABLE, or what the peer answered;
 * DATABASE_UNAVAILABLE where no store is there.
 */
export type Bus = {
  readonly nc: NatsConnection;
  readonly connected: boolean;
  /** JSON request; the reply's `data`. */
  request<Reply>(subject: string, body: unknown, options: RequestOptions): Promise<Reply>;
  /** Raw request with the replies below a prefix of its own (see subjects and permissions). */
  mux(prefix: string): ReplyMux;
  serve(options: ServeOptions, handler: RpcHandler): RpcServer;
  /** Core publish, best effort; false where there is no connection (it would vanish silently). */
  publish(subject: string, payload: Uint8Array | string): boolean;
  /** Core subscription; `listener` must not throw. */
  subscribe(subject: string, listener: (msg: Msg) => void): Subscription;
  /** Resolves once the stream has it; a duplicate within the stream's window counts as had. */
  jetPublish(subject: string, payload: Uint8Array, options: JetPublishOptions): Promise<void>;
  consume(options: ConsumeOptions): { close(): Promise<void> };
  onReconnect(listener: () => void): void;
  close(): Promise<void>;
};

export type BusOptions = {
  url: string;
  nkeySeed: string;
  instance: string;
  logger: Logger;
  metrics: Metrics;
};

const WAITING_WARN_MS = 2_000;

/** Connects as the NATS user of the instance. A connection closed for good ends the process. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { logger, instance } = options;
  const natsUser = natsUserOf(instance);
  const nc = await firstConnection(options, natsUser);
  const link = followLink(nc, options);
  const replies = link.openMux(inboxPrefix(natsUser));
  const { metrics } = options;
  metrics.gauge('kaha_nats_requests_in_flight', 'NATS requests that wait', () => replies.inFlight);
  return {
    nc,
    get connected() {
      return link.connected();
    },
    async request<Reply>(subject: string, body: unknown, { timeoutMs, trace }: RequestOptions) {
      link.assertConnected();
      const deadline = Date.now() + timeoutMs;
      const traceparent = trace ?? newTraceparent();
      const headerLines = `deadline: ${deadline}\r\ntraceparent: ${traceparent}\r\n`;
      const payload = encoder.encode(JSON.stringify(body));
      const msg = await answered(
        subject,
        replies.ask({ subject, payload, headerLines, timeoutMs }),
      );
      const reply = parseJson(msg.data) as { data: Reply } | { error: WireError };
      if ('error' in reply) throw KahaError.fromWire(reply.error);
      return reply.data;
    },
    mux: link.openMux,
    serve: (serveOptions, handler) => serveRpc({ nc, logger }, serveOptions, handler),
    publish(subject, payload) {
      if (!link.connected() || nc.isClosed()) return false;
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
    consume: (consumeOptions) => startConsumer({ nc, logger }, consumeOptions),
    onReconnect: link.onReconnect,
    close: link.close,
  };
}

/** Where no store is there: to a client that is the database being away. */
async function answered(subject: string, answer: Promise<Msg>): Promise<Msg> {
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

/** It may take for ever, and nothing else of the process is up yet to tell what it waits for. */
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
};

/** Knows whether there is a connection, and tells those who wait for a reply when it is lost. */
function followLink(nc: NatsConnection, { logger, metrics }: BusOptions): Link {
  const muxes: ReplyMux[] = [];
  const listeners: (() => void)[] = [];
  let connected = true;
  let closing = false;
  const reconnects = metrics.counter('kaha_nats_reconnects_total', 'Reconnects to NATS');
  metrics.gauge('kaha_nats_connected', '1 while connected to NATS', () => (connected ? 1 : 0));
  void watchStatus(nc, {
    logger,
    onDisconnect: () => {
      connected = false;
      for (const mux of muxes) mux.rejectAll('NATS is not connected');
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
      const mux = new ReplyMux(nc, prefix);
      muxes.push(mux);
      return mux;
    },
    onReconnect: (listener) => void listeners.push(listener),
    async close() {
      closing = true;
      for (const mux of muxes) mux.close();
      if (nc.isClosed()) return;
      if (connected) await nc.flush();
      await nc.close();
    },
  };
}

const encoder = new TextEncoder();

/** A PubAck is `{"stream":…,"seq":…}` or `{"error":{code,description},…}`. */
function assertStored(msg: Msg): void {
  const ack = parseJson(msg.data) as { error?: { code: number; description: string } };
  if (ack.error === undefined) return;
  throw new KahaError('MESSAGING_UNAVAILABLE', `Not stored: ${ack.error.description}`);
}
