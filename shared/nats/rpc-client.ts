import type { Msg, NatsConnection, Subscription } from 'nats';
import { Budget } from '../concurrency/budget.ts';
import { KahaError } from '../errors.ts';
import { newId } from '../ids.ts';
import { steadyMs } from '../process/clock.ts';
import { heapShare } from '../process/heap-share.ts';
import {
  errorOf,
  type Failure,
  IN_FLIGHT_MAX,
  type Pending,
  PendingReplies,
} from './pending-replies.ts';
import {
  type Answer,
  FRAME_CHARS_MAX,
  FRAME_ITEMS_MAX,
  memoryOf,
  readAnswers,
  readSubject,
  replySubject,
  serviceOf,
} from './rpc-frame.ts';
import type { WriteBacklog } from './write-backlog.ts';
import type { Writes } from './write-batches.ts';

/**
 * The requests of a frame have one subject and go as one message. `items` lack their tokens and the
 * time that is left.
 */
type Frame = { items: string[]; chars: number; calls: Call[] };

const NO_RESPONDERS = 503;
/**
 * Requests of so many bytes may be in flight, because whoever asks keeps the request until then.
 */
const IN_FLIGHT_BYTES_MAX = heapShare(1 / 8, 64 * 1024 ** 2);
const encoder = new TextEncoder();

type Deps = { nc: NatsConnection; writes: Writes; backlog: WriteBacklog; prefix: string };
type Options = { timeoutMs: number; trace: string };

/**
 * Sends JSON requests in the format of `rpc-frame.ts`. The requests of one subject that wait when
 * the connection writes share a frame. At most 16 384 requests with 64 MiB may be in flight; one
 * more is refused MESSAGING_UNAVAILABLE, and so is a frame while too much waits to be written. A
 * lost connection rejects all requests in flight at once, because no answer would reach them.
 */
export class RpcClient {
  readonly #nc: NatsConnection;
  readonly #writes: Writes;
  readonly #backlog: WriteBacklog;
  readonly #prefix: string;
  #subscription: Subscription | undefined;
  /** The frame of each subject goes with the next write. */
  #filling = new Map<string, Frame>();
  readonly #asked = new PendingReplies<number, Call>();
  readonly #inFlight = new Budget({ count: IN_FLIGHT_MAX, bytes: IN_FLIGHT_BYTES_MAX });
  #nextToken = 0;

  /** Answers come below `prefix`, which only this NATS user may subscribe to. */
  constructor({ nc, writes, backlog, prefix }: Deps) {
    this.#nc = nc;
    this.#writes = writes;
    this.#backlog = backlog;
    this.#prefix = `${prefix}.${newId<string>().slice(0, 8)}`;
  }

  get inFlight(): number {
    return this.#inFlight.count;
  }

  /**
   * Resolves with the data of the answer. It rejects TIMEOUT, MESSAGING_UNAVAILABLE, or the error
   * that the service answered.
   */
  ask(subject: string, body: unknown, { timeoutMs, trace }: Options): Promise<unknown> {
    const json = JSON.stringify(body ?? null);
    const bytes = memoryOf(json);
    const inFlight = this.#inFlight;
    if (!this.#asked.hasRoom() || !inFlight.hasRoom(bytes)) {
      return Promise.reject(errorOf('refused'));
    }
    this.#subscription ??= this.#listen();
    const service = serviceOf(subject);
    const deadlineAt = steadyMs() + timeoutMs;
    const item = `${JSON.stringify(trace)},${json},${bytes}`;
    inFlight.add(bytes);
    return new Promise((resolve, reject) => {
      const frame = this.#frameWithRoom(subject, item.length);
      frame.items.push(item);
      frame.chars += item.length;
      const parts = { service, deadlineAt, bytes, inFlight };
      frame.calls.push(new Call(parts, resolve, reject));
    });
  }

  failAll(): void {
    const filling = this.#takeFilling();
    for (const frame of filling.values()) for (const one of frame.calls) one.failed('lost');
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
    if (filling !== undefined) this.#publish(subject, filling);
    const frame: Frame = { items: [], chars: 0, calls: [] };
    this.#filling.set(subject, frame);
    return frame;
  }

  #publishAll(): void {
    for (const [subject, frame] of this.#takeFilling()) this.#publish(subject, frame);
  }

  #takeFilling(): Map<string, Frame> {
    const filling = this.#filling;
    this.#filling = new Map();
    return filling;
  }

  #publish(subject: string, { items, calls }: Frame): void {
    const first = this.#nextToken;
    this.#nextToken += items.length;
    const nowMs = steadyMs();
    const whole: string[] = [];
    for (const [index, call] of calls.entries()) {
      const leftMs = Math.round(call.deadlineAt - nowMs);
      whole.push(`[${first + index},${leftMs},${items[index]}]`);
      this.#asked.add(first + index, call);
    }
    try {
      const reply = replySubject(this.#prefix, first, items.length);
      const payload = encoder.encode(`[${whole.join(',')}]`);
      if (!this.#backlog.hasRoom(payload.length)) throw new Error('too much waits to be written');
      this.#nc.publish(subject, payload, { reply });
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
    const call = this.#asked.get(token);
    if (call?.service !== service) return;
    this.#asked.take(token);
    if ('error' in answer) call.rejected(KahaError.fromWire(answer.error));
    else call.answered(answer.data);
  }
}

type CallParts = { service: string; deadlineAt: number; bytes: number; inFlight: Budget };

/** A call is one request in flight. Its bytes have room for others once it is settled. */
class Call implements Pending<unknown> {
  readonly service: string;
  readonly deadlineAt: number;
  readonly #bytes: number;
  readonly #inFlight: Budget;
  readonly #resolve: (data: unknown) => void;
  readonly #reject: (error: KahaError) => void;

  constructor(
    { service, deadlineAt, bytes, inFlight }: CallParts,
    resolve: (data: unknown) => void,
    reject: (error: KahaError) => void,
  ) {
    this.service = service;
    this.deadlineAt = deadlineAt;
    this.#bytes = bytes;
    this.#inFlight = inFlight;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answered(data: unknown): void {
    this.#inFlight.remove(this.#bytes);
    this.#resolve(data);
  }

  failed(failure: Failure): void {
    this.rejected(errorOf(failure));
  }

  /** The service answered an error, or the request could not be sent. */
  rejected(error: KahaError): void {
    this.#inFlight.remove(this.#bytes);
    this.#reject(error);
  }
}

function hasRoom({ items, chars }: Frame, more: number): boolean {
  return items.length < FRAME_ITEMS_MAX && chars + more <= FRAME_CHARS_MAX;
}
