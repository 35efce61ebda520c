import type { Msg, NatsConnection, Subscription } from 'nats';
import { KahaError } from './errors.ts';
import type { Logger } from './logger.ts';
import {
  type Answer,
  answersSubject,
  FRAME_CHARS_MAX,
  type RequestItem,
  readRequests,
} from './rpc-frame.ts';
import type { Writes } from './write-batches.ts';

export type RpcContext = {
  /** Epoch ms at which the caller stops waiting. */
  deadlineAt: number;
  /** W3C traceparent. */
  trace: string;
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

const DRAIN_POLL_MS = 10;
/** NATS takes 1 MB, a character up to three bytes. */
const ANSWER_CHARS_MAX = 320 * 1024;
const OVERLOADED: Answer = { error: new KahaError('MESSAGING_UNAVAILABLE', 'Overloaded').toWire() };
const encoder = new TextEncoder();

type Deps = { nc: NatsConnection; writes: Writes; logger: Logger };
type Answers = { items: string[]; chars: number };

/**
 * Serves a subject: requests in, answers out, see `rpc-frame.ts`. A request whose deadline has
 * passed is not carried out: nobody waits for it. What is answered to one caller when the
 * connection writes goes out as one message; no answer waits for another.
 */
export function serveRpc(deps: Deps, options: ServeOptions, handler: RpcHandler): RpcServer {
  const { nc, writes, logger } = deps;
  const { subject, queue, concurrencyMax } = options;
  let inFlight = 0;
  /** By the subject of who asked. */
  let answers = new Map<string, Answers>();

  const publish = (replyTo: string, { items }: Answers): void => {
    try {
      nc.publish(replyTo, encoder.encode(`[${items.join(',')}]`));
    } catch (error) {
      // The connection closes: who asked hears of that.
      logger.debug({ err: error, subject }, 'not answered');
    }
  };
  const publishAll = (): void => {
    const due = answers;
    answers = new Map();
    for (const [replyTo, ready] of due) publish(replyTo, ready);
  };
  const answer = (replyTo: string, token: number, body: Answer): void => {
    let json = JSON.stringify(body);
    if (json.length > ANSWER_CHARS_MAX) {
      logger.error({ subject, chars: json.length }, 'answer too large');
      json = JSON.stringify({ error: new KahaError('INTERNAL', 'Answer too large').toWire() });
    }
    const ready = answers.get(replyTo) ?? { items: [], chars: 0 };
    if (ready.items.length > 0 && ready.chars + json.length > FRAME_CHARS_MAX) {
      publish(replyTo, ready);
      ready.items = [];
      ready.chars = 0;
    }
    ready.items.push(`[${token},${json}]`);
    ready.chars += json.length;
    if (answers.size === 0) writes.beforeNext(publishAll);
    answers.set(replyTo, ready);
  };
  const run = async (item: RequestItem, answerWith: (body: Answer) => void): Promise<void> => {
    const [, deadlineAt, trace, body] = item;
    inFlight += 1;
    try {
      if (deadlineAt <= Date.now()) throw new KahaError('TIMEOUT', 'Too late');
      const data = await handler(body, { deadlineAt, trace });
      answerWith({ data: data ?? {} });
    } catch (thrown) {
      const error = KahaError.from(thrown);
      if (error.code === 'INTERNAL')
        logger.error({ err: thrown, subject, trace }, 'request failed');
      answerWith({ error: error.toWire() });
    } finally {
      inFlight -= 1;
    }
  };
  const receive = (error: Error | null, { data, reply = '' }: Msg): void => {
    if (error !== null) {
      logger.error({ err: error, subject }, 'cannot serve');
      return;
    }
    const items = readRequests(data);
    if (items === undefined) logger.error({ subject }, 'not a request: dropped');
    const replyTo = answersSubject(reply);
    for (const item of items ?? []) {
      const [token] = item;
      if (inFlight < concurrencyMax) void run(item, (body) => answer(replyTo, token, body));
      else answer(replyTo, token, OVERLOADED);
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
