import type { Msg, NatsConnection, Subscription } from 'nats';
import { KahaError } from '../errors.ts';
import { newId } from '../ids.ts';
import { steadyMs } from '../process/clock.ts';
import { errorOf, type Failure, type Pending, PendingReplies } from './pending-replies.ts';
import {
  type Answer,
  FRAME_CHARS_MAX,
  FRAME_ITEMS_MAX,
  readAnswers,
  readSubject,
  replySubject,
  serviceOf,
} from './rpc-frame.ts';
import type { Writes } from './write-batches.ts';

type Waiting = Pending<unknown> & {
  service: string;
  /** The service answered an error. */
  rejected(error: KahaError): void;
};

/**
 * The requests of a frame have one subject and go as one message. `items` lack their tokens and the
 * time that is left.
 */
type Frame = { items: string[]; chars: number; waiting: Waiting[] };

const NO_RESPONDERS = 503;
const encoder = new TextEncoder();

type Deps = { nc: NatsConnection; writes: Writes; prefix: string };
type Call = { timeoutMs: number; trace: string };

/**
 * Sends JSON requests in the format of `rpc-frame.ts`. The requests of one subject that wait when
 * the connection writes share a frame. At most 16 384 requests may be in flight; one more is
 * refused MESSAGING_UNAVAILABLE. A lost connection rejects all requests in flight at once, because
 * no answer would reach them.
 */
export class RpcClient {
  readonly #nc: NatsConnection;
  readonly #writes: Writes;
  readonly #prefix: string;
  #subscription: Subscription | undefined;
  /** The frame of each subject goes with the next write. */
  #filling = new Map<string, Frame>();
  #fillingCount = 0;
  readonly #asked = new PendingReplies<number, Waiting>();
  #nextToken = 0;

  /** Answers come below `prefix`, which only this NATS user may subscribe to. */
  constructor({ nc, writes, prefix }: Deps) {
    this.#nc = nc;
    this.#writes = writes;
    this.#prefix = `${prefix}.${newId<string>().slice(0, 8)}`;
  }

  get inFlight(): number {
    return this.#asked.size + this.#fillingCount;
  }

  /**
   * Resolves with the data of the answer. It rejects TIMEOUT, MESSAGING_UNAVAILABLE, or the error
   * that the service answered.
   */
  ask(subject: string, body: unknown, { timeoutMs, trace }: Call): Promise<unknown> {
    if (!this.#asked.hasRoom(this.#fillingCount)) return Promise.reject(errorOf('refused'));
    this.#subscription ??= this.#listen();
    const service = serviceOf(subject);
    const deadlineAt = steadyMs() + timeoutMs;
    const item = `${JSON.stringify(trace)},${JSON.stringify(body ?? null)}`;
    return new Promise((resolve, reject) => {
      const frame = this.#frameWithRoom(subject, item.length);
      frame.items.push(item);
      frame.chars += item.length;
      const failed = (failure: Failure): void => reject(errorOf(failure));
      frame.waiting.push({ answered: resolve, failed, rejected: reject, deadlineAt, service });
      this.#fillingCount += 1;
    });
  }

  failAll(): void {
    const filling = this.#takeFilling();
    for (const frame of filling.values()) for (const one of frame.waiting) one.failed('lost');
    this.#asked.failAll('lost');
  }

  close(): void {
    this.#asked.close();
    this.#subscription?.unsubscribe();
    this.failAll();
  }

  /**
   * The first request calls this. A service that never asks (store) has no permission to subscribe
   * to answers.
   */
  #listen(): Subscription {
    return this.#nc.subscribe(`${this.#prefix}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#receive(msg);
      },
    });
  }

  #frameWithRoom(subject: string, chars: number): Frame {
    const filling = this.#filling.get(subject);
    if (filling !== undefined && hasRoom(filling, chars)) return filling;
    if (this.#filling.size === 0) this.#writes.beforeNext(() => this.#publishAll());
    if (filling !== undefined) {
      this.#fillingCount -= filling.waiting.length;
      this.#publish(subject, filling);
    }
    const frame: Frame = { items: [], chars: 0, waiting: [] };
    this.#filling.set(subject, frame);
    return frame;
  }

  #publishAll(): void {
    for (const [subject, frame] of this.#takeFilling()) this.#publish(subject, frame);
  }

  #takeFilling(): Map<string, Frame> {
    const filling = this.#filling;
    this.#filling = new Map();
    this.#fillingCount = 0;
    return filling;
  }

  #publish(subject: string, { items, waiting }: Frame): void {
    const first = this.#nextToken;
    this.#nextToken += items.length;
    const nowMs = steadyMs();
    const whole: string[] = [];
    for (const [index, one] of waiting.entries()) {
      const leftMs = Math.round(one.deadlineAt - nowMs);
      whole.push(`[${first + index},${leftMs},${items[index]}]`);
      this.#asked.add(first + index, one);
    }
    try {
      const reply = replySubject(this.#prefix, first, items.length);
      this.#nc.publish(subject, encoder.encode(`[${whole.join(',')}]`), { reply });
    } catch (error) {
      const cause = { cause: error };
      const failure = new KahaError('MESSAGING_UNAVAILABLE', 'Cannot publish', cause);
      for (const index of items.keys()) this.#asked.take(first + index)?.rejected(failure);
    }
  }

  #receive(msg: Msg): void {
    const heard = readSubject(msg.subject);
    if ('service' in heard) {
      for (const [token, answer] of readAnswers(msg.data) ?? []) {
        this.#settle(token, heard.service, answer);
      }
    } else if (msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS) {
      const { firstToken, count } = heard;
      for (let token = firstToken; token < firstToken + count; token += 1) {
        this.#asked.take(token)?.failed('nobody');
      }
    }
  }

  /** Settles the request only if the answer comes from the service that was asked. */
  #settle(token: number, service: string, answer: Answer): void {
    const waiting = this.#asked.get(token);
    if (waiting?.service !== service) return;
    this.#asked.take(token);
    if ('error' in answer) waiting.rejected(KahaError.fromWire(answer.error));
    else waiting.answered(answer.data);
  }
}

function hasRoom({ items, chars }: Frame, more: number): boolean {
  return items.length < FRAME_ITEMS_MAX && chars + more <= FRAME_CHARS_MAX;
}
