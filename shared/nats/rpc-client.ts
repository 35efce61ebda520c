import type { Msg, NatsConnection, Subscription } from 'nats';
import { KahaError } from '../errors.ts';
import { newId } from '../ids.ts';
import { type Pending, PendingReplies } from './pending-replies.ts';
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

type Waiting = Pending<unknown> & { service: string };

/** Requests of one subject that go as one message; `items` without their tokens. */
type Frame = { items: string[]; chars: number; waiting: Waiting[] };

const NO_RESPONDERS = 503;
const encoder = new TextEncoder();

type Deps = { nc: NatsConnection; writes: Writes; prefix: string };
type Call = { timeoutMs: number; trace: string };

/**
 * JSON requests, see `rpc-frame.ts`: those that one write of the connection takes along go as one
 * message a subject. Limits: 16 384 in flight, beyond which a request is refused
 * MESSAGING_UNAVAILABLE. A lost connection rejects all that wait at once: their answers would go
 * nowhere.
 */
export class RpcClient {
  readonly #nc: NatsConnection;
  readonly #writes: Writes;
  readonly #prefix: string;
  #subscription: Subscription | undefined;
  /** By subject: what goes with the next write. */
  #filling = new Map<string, Frame>();
  #fillingCount = 0;
  /** By token. */
  readonly #asked = new PendingReplies<number, Waiting>();
  #nextToken = 0;

  /** Answers come below `prefix`, which only this NATS user may listen to. */
  constructor({ nc, writes, prefix }: Deps) {
    this.#nc = nc;
    this.#writes = writes;
    this.#prefix = `${prefix}.${newId<string>().slice(0, 8)}`;
  }

  get inFlight(): number {
    return this.#asked.size + this.#fillingCount;
  }

  /** The answer's data; rejects what was answered, TIMEOUT or MESSAGING_UNAVAILABLE. */
  ask(subject: string, body: unknown, { timeoutMs, trace }: Call): Promise<unknown> {
    const refusal = this.#asked.refusal(this.#fillingCount);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#subscription ??= this.#listen();
    const service = serviceOf(subject);
    const deadlineAt = Date.now() + timeoutMs;
    const item = `${deadlineAt},${JSON.stringify(trace)},${JSON.stringify(body ?? null)}`;
    return new Promise((resolve, reject) => {
      const frame = this.#frameWithRoom(subject, item.length);
      frame.items.push(item);
      frame.chars += item.length;
      frame.waiting.push({ resolve, reject, deadlineAt, service });
      this.#fillingCount += 1;
    });
  }

  rejectAll(reason: string): void {
    const error = new KahaError('MESSAGING_UNAVAILABLE', reason);
    const filling = this.#takeFilling();
    for (const frame of filling.values()) for (const { reject } of frame.waiting) reject(error);
    this.#asked.rejectAll(error);
  }

  close(): void {
    this.#asked.close();
    this.#subscription?.unsubscribe();
    this.rejectAll('Closing');
  }

  /** Not all services ask, and who does not may not listen. */
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
    const tokened = items.map((item, index) => `[${first + index},${item}]`);
    for (const [index, one] of waiting.entries()) this.#asked.add(first + index, one);
    try {
      const reply = replySubject(this.#prefix, first, items.length);
      this.#nc.publish(subject, encoder.encode(`[${tokened.join(',')}]`), { reply });
    } catch (error) {
      const cause = { cause: error };
      const failure = new KahaError('MESSAGING_UNAVAILABLE', 'Cannot publish', cause);
      for (const index of items.keys()) this.#asked.take(first + index)?.reject(failure);
    }
  }

  #receive(msg: Msg): void {
    const heard = readSubject(msg.subject);
    if ('service' in heard) {
      for (const [token, answer] of readAnswers(msg.data) ?? []) {
        this.#settle(token, heard.service, answer);
      }
    } else if (msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS) {
      const options = { noResponders: true };
      const error = new KahaError('MESSAGING_UNAVAILABLE', 'Nobody answers', options);
      const { firstToken, count } = heard;
      for (let token = firstToken; token < firstToken + count; token += 1) {
        this.#asked.take(token)?.reject(error);
      }
    }
  }

  /** What one service was asked no other answers. */
  #settle(token: number, service: string, answer: Answer): void {
    const waiting = this.#asked.get(token);
    if (waiting?.service !== service) return;
    this.#asked.take(token);
    if ('error' in answer) waiting.reject(KahaError.fromWire(answer.error));
    else waiting.resolve(answer.data);
  }
}

function hasRoom({ items, chars }: Frame, more: number): boolean {
  return items.length < FRAME_ITEMS_MAX && chars + more <= FRAME_CHARS_MAX;
}
