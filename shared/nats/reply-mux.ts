import type { Msg, MsgHdrs, NatsConnection, Subscription } from 'nats';
import { newId } from '../ids.ts';
import { steadyMs } from '../process/clock.ts';
import { errorOf, type Pending, PendingReplies } from './pending-replies.ts';
import type { WriteBacklog } from './write-backlog.ts';

const encoder = new TextEncoder();
/**
 * A reply subject that ends with this word instead of a token carries one answer to several
 * requests (see `answerMany`). No token equals it, because tokens have no capitals.
 */
const MANY = 'MANY';

type Request = {
  subject: string;
  payload: Uint8Array;
  /** These are raw header lines, each ended by CRLF. */
  headerLines?: string | undefined;
};
type Ask = Request & { timeoutMs: number };
type Deps = { nc: NatsConnection; backlog: WriteBacklog; prefix: string };

/**
 * Sends raw requests, whose replies all come over one wildcard subscription below `prefix`. At most
 * 16 384 requests may wait; one more is refused, and so is one that the connection has no room to
 * write. A lost connection fails all requests that wait at once, because no reply would reach them.
 */
export class ReplyMux {
  readonly #nc: NatsConnection;
  readonly #backlog: WriteBacklog;
  readonly #prefix: string;
  readonly #pending = new PendingReplies<string, Pending<Msg>>();
  readonly #subscription: Subscription;
  #next = 0;

  constructor({ nc, backlog, prefix }: Deps) {
    this.#nc = nc;
    this.#backlog = backlog;
    this.#prefix = `${prefix}.${newId<string>().slice(0, 8)}`;
    this.#subscription = nc.subscribe(`${this.#prefix}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#settle(msg);
      },
    });
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /**
   * Resolves with the reply. It rejects TIMEOUT, or MESSAGING_UNAVAILABLE, with `noResponders` if
   * nobody listens on the subject.
   */
  ask({ timeoutMs, ...request }: Ask): Promise<Msg> {
    return new Promise((answered, reject) => {
      const deadlineAt = steadyMs() + timeoutMs;
      this.send(request, { answered, failed: (failure) => reject(errorOf(failure)), deadlineAt });
    });
  }

  /**
   * Sends a request, and tells `waiting` of the reply. Thousands a second cost no promise and no
   * error object. `waiting` may hear that the request was refused before `send` returns.
   */
  send({ subject, payload, headerLines }: Request, waiting: Pending<Msg>): void {
    if (!this.#pending.hasRoom() || !this.#backlog.hasRoom(payload.length)) {
      waiting.failed('refused');
      return;
    }
    this.#next += 1;
    const token = this.#next.toString(36);
    this.#pending.add(token, waiting);
    const reply = `${this.#prefix}.${token}`;
    try {
      const options =
        headerLines === undefined ? { reply } : { reply, headers: rawHeaders(headerLines) };
      this.#nc.publish(subject, payload, options);
    } catch {
      // The connection is closed, or the payload is larger than the server takes.
      this.#pending.take(token)?.failed('refused');
    }
  }

  failAll(): void {
    this.#pending.failAll('lost');
  }

  close(): void {
    this.#pending.close();
    this.#subscription.unsubscribe();
    this.failAll();
  }

  #settle(msg: Msg): void {
    const token = msg.subject.slice(this.#prefix.length + 1);
    if (token === MANY) {
      for (const one of msg.string().split(' ')) this.#settleOne(one, msg);
    } else {
      this.#settleOne(token, msg);
    }
  }

  #settleOne(token: string, msg: Msg): void {
    const pending = this.#pending.take(token);
    if (pending === undefined) return;
    // Only the status messages of NATS itself have neither a payload nor ordinary headers.
    if (msg.data.length === 0 && msg.headers?.code === 503) pending.failed('nobody');
    else pending.answered(msg);
  }
}

/**
 * Gives one answer to many requests in few messages: each asker gets one message with the payload
 * `<answer> <token> <token> …`, and resolves each of these requests with that whole message.
 * `answer` must not equal a token.
 */
export function answerMany(
  replySubjects: readonly string[],
  answer: string,
): { subject: string; payload: string }[] {
  const byAsker = new Map<string, string>();
  for (const subject of replySubjects) {
    const end = subject.lastIndexOf('.');
    const asker = subject.slice(0, end);
    byAsker.set(asker, `${byAsker.get(asker) ?? answer} ${subject.slice(end + 1)}`);
  }
  return [...byAsker].map(([asker, payload]) => ({ subject: `${asker}.${MANY}`, payload }));
}

/** Encodes headers from raw lines: the library's own object costs a map and a list per message. */
function rawHeaders(lines: string): MsgHdrs {
  const headers = { encode: () => encoder.encode(`NATS/1.0\r\n${lines}\r\n`) };
  return headers as unknown as MsgHdrs;
}
