import { inboxPrefix } from '../../../shared/contracts/permissions.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { shardOf, type UserId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import { RecentPublishes } from './recent-publishes.ts';

/** `subject`: this user's queue is full, `stream`: the whole shard is. Trying again is no use. */
export type FullWhat = 'subject' | 'stream';

export class InboxFull extends Error {
  readonly what: FullWhat;

  constructor(what: FullWhat, description: string) {
    super(`inbox refused: ${description}`);
    this.name = 'InboxFull';
    this.what = what;
  }
}

export type InboxMessage = { userId: UserId; payload: Uint8Array; msgId: string };

type PubAck = {
  seq: number;
  duplicate?: boolean;
  error?: { code: number; err_code: number; description: string };
};

/** JSStreamStoreFailedF: the stream has no room, by bytes or by messages of one subject. */
const STORE_FAILED = 10077;
const PUBLISH_TIMEOUT_MS = 1_500;
const decoder = new TextDecoder();

/**
 * Publishes to users' inboxes. Remembers the highest sequence each shard has acknowledged: an
 * acknowledgement at or below it means that the shard has lost its tail; `onTailLost` is told.
 */
export class InboxPublisher {
  readonly recent = new RecentPublishes();
  readonly #bus: Bus;
  readonly #mux: ReplyMux;
  readonly #shards: number;
  readonly #onTailLost: (shard: number) => void;
  readonly #lastSeqs: Float64Array;
  #hold: Promise<void> | undefined;

  constructor(bus: Bus, options: { shards: number; onTailLost: (shard: number) => void }) {
    this.#bus = bus;
    this.#mux = bus.mux(inboxPrefix('router'));
    this.#shards = options.shards;
    this.#onTailLost = options.onTailLost;
    this.#lastSeqs = new Float64Array(options.shards);
  }

  /** The highest sequence the shard has acknowledged to us, 0 where none. */
  lastSeq(shard: number): number {
    return this.#lastSeqs[shard] ?? 0;
  }

  /** After the shard was found to have lost its tail: counts anew from `seq`. */
  resetLastSeq(shard: number, seq: number): void {
    this.#lastSeqs[shard] = seq;
  }

  /** Publishes wait for it, in order. It must not reject. */
  holdUntil(checked: Promise<void>): void {
    this.#hold = checked;
    void checked.then(() => {
      if (this.#hold === checked) this.#hold = undefined;
    });
  }

  /** Resolves once the stream has it; rejects with InboxFull or a retryable KahaError. */
  async publish(message: InboxMessage): Promise<void> {
    const { userId, payload, msgId } = message;
    if (this.#hold !== undefined) await this.#hold;
    if (!this.#bus.connected) throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is not connected');
    const shard = shardOf(userId, this.#shards);
    const ticket = this.recent.begin(userId, shard);
    const answer = await this.#mux.ask({
      subject: subjects.inbox(userId, this.#shards),
      payload,
      headerLines: `Nats-Msg-Id: ${msgId}\r\n`,
      timeoutMs: PUBLISH_TIMEOUT_MS,
    });
    this.recent.answered(ticket, this.#check(answer, shard));
  }

  /** The sequence it was given. */
  #check(answer: Msg, shard: number): number {
    const ack = JSON.parse(decoder.decode(answer.data)) as PubAck;
    if (ack.error !== undefined) throw refusal(ack.error);
    if (ack.duplicate === true) return ack.seq;
    if (ack.seq <= this.lastSeq(shard)) this.#onTailLost(shard);
    else this.#lastSeqs[shard] = ack.seq;
    return ack.seq;
  }
}

function refusal(error: { err_code: number; description: string }): Error {
  const { err_code: code, description } = error;
  if (code !== STORE_FAILED) {
    return new KahaError('MESSAGING_UNAVAILABLE', `Not stored: ${description}`);
  }
  return new InboxFull(description.includes('per subject') ? 'subject' : 'stream', description);
}
