import type { Msg, NatsConnection, Subscription } from 'nats';
import type { Budget } from '../concurrency/budget.ts';
import { KahaError } from '../errors.ts';
import { steadyMs } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { RpcAnswers } from './rpc-answers.ts';
import { type Answer, type RequestItem, readRequests } from './rpc-frame.ts';
import type { Transit } from './transit.ts';

type RpcContext = {
  /** The caller stops waiting at this time, by `steadyMs`. */
  deadlineAt: number;
  /** This is the request's W3C `traceparent`. */
  trace: string;
};

export type RpcHandler = (body: unknown, context: RpcContext) => Promise<unknown> | unknown;

export type ServeOptions = {
  subject: string;
  queue?: string;
  /** If this many requests are being handled, one more is refused MESSAGING_UNAVAILABLE at once. */
  concurrencyMax: number;
};

export type RpcServer = {
  inFlight(): number;
  /** Takes no more requests, and resolves once every request that was taken is answered. */
  drain(): Promise<void>;
};

const DRAIN_POLL_MS = 10;
const OVERLOADED: Answer = { error: new KahaError('MESSAGING_UNAVAILABLE', 'Overloaded').toWire() };

type Deps = {
  nc: NatsConnection;
  answers: RpcAnswers;
  transit: Transit;
  /** All servers of the process count the requests here that they are handling. */
  served: Budget;
  logger: Logger;
};

/**
 * Serves the requests of a subject in the format of `rpc-frame.ts`. A request that has no time left
 * is not handled, because nobody waits for its answer. It may have been on its way for so long
 * (`transit.ts`). No answer waits for another. A request beyond the budget of the process is
 * refused like one beyond `concurrencyMax`.
 */
export function serveRpc(deps: Deps, options: ServeOptions, handler: RpcHandler): RpcServer {
  const { nc, answers, transit, served, logger } = deps;
  const { subject, queue, concurrencyMax } = options;
  let inFlight = 0;

  const run = async (item: RequestItem, bytes: number, replyTo: string): Promise<void> => {
    const [token, givenMs, trace, body] = item;
    inFlight += 1;
    served.add(bytes);
    try {
      const leftMs = givenMs - transit.waitedMs;
      if (leftMs <= 0) throw new KahaError('TIMEOUT', 'Too late');
      const data = await handler(body, { deadlineAt: steadyMs() + leftMs, trace });
      answers.add(replyTo, token, { data: data ?? {} });
    } catch (thrown) {
      const error = KahaError.from(thrown);
      const isOurs = error.code === 'INTERNAL';
      if (isOurs) logger.error({ err: thrown, subject, trace }, 'request failed');
      answers.add(replyTo, token, { error: error.toWire() });
    } finally {
      inFlight -= 1;
      served.remove(bytes);
    }
  };
  const receive = (error: Error | null, msg: Msg): void => {
    if (error !== null) {
      logger.error({ err: error, subject }, 'cannot serve');
      return;
    }
    const items = readRequests(msg.data);
    if (items === undefined) logger.error({ subject }, 'not a request: dropped');
    const replyTo = msg.reply;
    if (!replyTo) return; // Nobody waits for an answer.
    if (items === undefined) return;
    for (const item of items) {
      const [token, , , , bytes = (2 * msg.data.length) / items.length] = item;
      if (inFlight < concurrencyMax && served.hasRoom(bytes)) void run(item, bytes, replyTo);
      else answers.add(replyTo, token, OVERLOADED);
    }
  };
  const subscription: Subscription = nc.subscribe(subject, {
    ...(queue !== undefined && { queue }),
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
