import { Room } from '../../../shared/concurrency/room.ts';
import { PUBLISH_TIMEOUT_MS } from '../../../shared/contracts/offer-answers.ts';
import { inboxPrefix } from '../../../shared/contracts/permissions.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { shardOf } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import type { Failure, Pending } from '../../../shared/nats/pending-replies.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { Ticket } from '../tails/recent-publishes.ts';
import type { ShardTails } from '../tails/shard-tails.ts';
import type { Device } from './known-queues.ts';
import { readPubAck } from './pub-ack.ts';

/**
 * `queue full` means that this device's queue is full, and `shard full` that the whole stream is:
 * trying again helps only once there is room. All else is `failed`, and `reason` says more.
 */
export type NotStored = { what: 'queue full' | 'shard full' | 'failed'; reason: string };

/** One of `stored` and `notStored` is called once, maybe before `publish` returns. */
export type QueueMessage = {
  readonly device: Device;
  /** The device's queue has this name. */
  readonly name: string;
  readonly payload: Uint8Array;
  readonly msgId: string;
  /** The stream has the message as number `seq`. */
  stored(seq: number): void;
  notStored(why: NotStored): void;
};

/**
 * JetStream answers this code (JSStreamStoreFailedF) if the stream has no room, by bytes or by
 * messages of one subject.
 */
const STORE_FAILED = 10077;
/** A publish to JetStream times out when thousands run at once. Far fewer keep all shards busy. */
const IN_FLIGHT_MAX = 2_048;
/** While this many publishes wait, the conversations wait too before they append more. */
const WAITING_HIGH = 8_192;
/** While payloads of this size wait, the conversations wait as well. */
const WAITING_BYTES_HIGH = heapShare(1 / 12, 64 * 1024 ** 2);

type Deps = {
  bus: Bus;
  tails: ShardTails;
  shards: number;
  /** Hears of a shard whose acknowledgement shows that it has lost its tail. */
  onTailLost: (shard: number) => void;
};

/**
 * Publishes durable events to device queues, in the order of the calls, and tells `tails` what the
 * shards acknowledged. At most 2048 publishes are in flight, and the others wait.
 */
export class QueuePublisher {
  readonly #deps: Deps;
  readonly #mux: ReplyMux;
  #waiting: QueueMessage[] = [];
  #next = 0;
  #waitingBytes = 0;
  #inFlight = 0;
  #heldBy: Promise<void> | undefined;
  readonly #room = new Room(() => this.#hasRoom());

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#mux = deps.bus.mux(inboxPrefix('router'));
  }

  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Resolves once fewer than 8192 publishes with less than 64 MiB wait. The result is undefined if
   * that is so now.
   */
  room(): Promise<void> | undefined {
    return this.#room.wait();
  }

  publish(message: QueueMessage): void {
    if (this.waiting === 0 && this.#isOpen()) {
      this.#send(message);
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.payload.length;
    this.#pump();
  }

  #hasRoom(): boolean {
    return this.waiting < WAITING_HIGH && this.#waitingBytes < WAITING_BYTES_HIGH;
  }

  /** Tells whether a publish may leave. While the tails are being checked, all publishes wait. */
  #isOpen(): boolean {
    const { hold } = this.#deps.tails;
    if (hold !== undefined && hold !== this.#heldBy) {
      this.#heldBy = hold;
      void hold.then(() => this.#pump());
    }
    return hold === undefined && this.#inFlight < IN_FLIGHT_MAX;
  }

  #pump(): void {
    while (this.waiting > 0 && this.#isOpen()) {
      const message = this.#waiting[this.#next] as QueueMessage;
      this.#next += 1;
      this.#waitingBytes -= message.payload.length;
      this.#send(message);
    }
    if (this.#next === this.#waiting.length && this.#next > 0) {
      this.#waiting = [];
      this.#next = 0;
    }
    this.#room.check();
  }

  #send(message: QueueMessage): void {
    const { bus, tails, shards } = this.#deps;
    const { device, name, payload, msgId } = message;
    if (!bus.connected) {
      message.notStored({ what: 'failed', reason: 'NATS is not connected' });
      return;
    }
    const shard = shardOf(device.userId, shards);
    this.#inFlight += 1;
    const ticket = tails.begin(name, shard);
    const publish = new Publish(message, { shard, ticket, settle: this.#settle });
    const subject = subjects.queue(device.userId, device.deviceId, shards);
    this.#mux.send({ subject, payload, headerLines: `Nats-Msg-Id: ${msgId}\r\n` }, publish);
  }

  readonly #settle = (publish: Publish, answer: Msg | Failure): void => {
    this.#inFlight -= 1;
    this.#tell(publish, answer);
    this.#pump();
  };

  #tell({ message, shard, ticket }: Publish, answer: Msg | Failure): void {
    if (typeof answer === 'string') {
      message.notStored({ what: 'failed', reason: answer });
      return;
    }
    const { tails, onTailLost } = this.#deps;
    const ack = readAck(answer);
    if ('what' in ack) {
      message.notStored(ack);
      return;
    }
    if (ack.isRepeat) tails.storedBefore(ticket, ack.seq);
    else if (!tails.stored(ticket, ack.seq)) onTailLost(shard);
    message.stored(ack.seq);
  }
}

type Settle = (publish: Publish, answer: Msg | Failure) => void;
type Place = { shard: number; ticket: Ticket; settle: Settle };

/** One publish that waits for its answer. */
class Publish implements Pending<Msg> {
  readonly deadlineAt = steadyMs() + PUBLISH_TIMEOUT_MS;
  readonly message: QueueMessage;
  readonly shard: number;
  readonly ticket: Ticket;
  readonly #settle: Settle;

  constructor(message: QueueMessage, { shard, ticket, settle }: Place) {
    this.message = message;
    this.shard = shard;
    this.ticket = ticket;
    this.#settle = settle;
  }

  answered(msg: Msg): void {
    this.#settle(this, msg);
  }

  failed(failure: Failure): void {
    this.#settle(this, failure);
  }
}

function readAck(answer: Msg): { seq: number; isRepeat: boolean } | NotStored {
  try {
    const ack = readPubAck(answer.data);
    return ack.error === undefined ? ack : refusal(ack.error);
  } catch (error) {
    return { what: 'failed', reason: `${error}` };
  }
}

function refusal({ err_code, description }: { err_code: number; description: string }): NotStored {
  if (err_code !== STORE_FAILED) return { what: 'failed', reason: description };
  const what = description.includes('per subject') ? 'queue full' : 'shard full';
  return { what, reason: description };
}
