import type { Msg, NatsConnection, Subscription } from 'nats';
import { KahaError } from './errors.ts';
import type { Logger } from './logger.ts';

export type RpcContext = {
  /** Epoch ms at which the caller stops waiting. */
  deadlineAt: number;
  /** W3C traceparent. */
  trace: string | undefined;
};

export type RpcHandler = (body: unknown, context: RpcContext) => Promise<unknown> | unknown;

export type ServeOptions = {
  subject: string;
  queue?: string;
  /** Beyond it a request is refused MESSAGING_UNAVAILABLE at once. */
  concurrencyMax: number;
};

export type RpcServer = {
  inFlight(): number;
  /** Takes no more; resolves once what was taken is answered. */
  drain(): Promise<void>;
};

/** A caller that named no deadline is served as if it waited this long. */
const DEADLINE_DEFAULT_MS = 4_000;
const DRAIN_POLL_MS = 10;
const encoder = new TextEncoder();

type Deps = { nc: NatsConnection; logger: Logger };

/**
 * Serves a subject: JSON in, `{"data":…}` or `{"error":…}` out. A request whose deadline has
 * passed is not carried out: nobody waits for it.
 */
export function serveRpc(deps: Deps, options: ServeOptions, handler: RpcHandler): RpcServer {
  const { nc, logger } = deps;
  let inFlight = 0;

  const answer = (msg: Msg, body: object): void => {
    if (!msg.reply || nc.isClosed()) return;
    nc.publish(msg.reply, encoder.encode(JSON.stringify(body)));
  };
  const run = async (msg: Msg): Promise<void> => {
    const context = contextOf(msg);
    inFlight += 1;
    try {
      if (context.deadlineAt <= Date.now()) throw new KahaError('TIMEOUT', 'Too late');
      const data = await handler(parseJson(msg.data), context);
      answer(msg, { data: data ?? {} });
    } catch (thrown) {
      const error = KahaError.from(thrown);
      if (error.code === 'INTERNAL') {
        logger.error({ err: thrown, subject: msg.subject, trace: context.trace }, 'request failed');
      }
      answer(msg, { error: error.toWire() });
    } finally {
      inFlight -= 1;
    }
  };
  const receive = (error: Error | null, msg: Msg): void => {
    if (error !== null) {
      logger.error({ err: error, subject: options.subject }, 'cannot serve');
      return;
    }
    if (inFlight >= options.concurrencyMax) {
      answer(msg, { error: new KahaError('MESSAGING_UNAVAILABLE', 'Overloaded').toWire() });
      return;
    }
    void run(msg);
  };
  const subscription: Subscription = nc.subscribe(options.subject, {
    ...(options.queue !== undefined && { queue: options.queue }),
    callback: receive,
  });
  return {
    inFlight: () => inFlight,
    async drain() {
      if (!nc.isClosed()) await subscription.drain();
      while (inFlight > 0) await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    },
  };
}

function contextOf(msg: Msg): RpcContext {
  const { headers } = msg;
  const deadline = Number(headers?.get('deadline') || Number.NaN);
  return {
    deadlineAt: Number.isFinite(deadline) ? deadline : Date.now() + DEADLINE_DEFAULT_MS,
    trace: headers?.get('traceparent') || undefined,
  };
}

/** Services trust each other's shapes, not that a payload is JSON. */
export function parseJson(payload: Uint8Array): unknown {
  const { buffer, byteOffset, length } = payload;
  try {
    return JSON.parse(Buffer.from(buffer, byteOffset, length).toString('utf8'));
  } catch (error) {
    throw new KahaError('INVALID_REQUEST', 'The body is not JSON', { cause: error });
  }
}
