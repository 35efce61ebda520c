import { inboxPrefix } from '../../../shared/contracts/permissions.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { shardOf, type UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import type { ShardTails } from '../tails/shard-tails.ts';

/**
 * `subject` means that this user's queues are full, and `stream` that the whole shard is. Trying
 * again helps only once there is room.
 */
type FullWhat = 'subject' | 'stream';

export class QueueFull extends Error {
  readonly what: FullWhat;

  constructor(what: FullWhat, description: string) {
    super(`queue refused: ${description}`);
    this.name = 'QueueFull';
    this.what = what;
  }
}

export type QueueMessage = { userId: UserId; payload: Uint8Array; msgId: string };

type PubAck = {
  seq: number;
  duplicate?: boolean;
  error?: { code: number; err_code: number; description: string };
};

/**
 * JetStream answers this code (JSStreamStoreFailedF) if the stream has no room, by bytes or by
 * messages of one subject.
 */
const STORE_FAILED = 10077;
const PUBLISH_TIMEOUT_MS = 1_500;
const decoder = new TextDecoder();

type Deps = {
  bus: Bus;
  tails: ShardTails;
  shards: number;
  /** Hears of a shard whose acknowledgement shows that it has lost its tail. */
  onTailLost: (shard: number) => void;
};

/**
 * Publishes durable events to users' device queues, and tells `tails` what the shards acknowledged.
 */
export class QueuePublisher {
  readonly #deps: Deps;
  readonly #mux: ReplyMux;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#mux = deps.bus.mux(inboxPrefix('router'));
  }

  /** Resolves once the stream has the message. Rejects with QueueFull or a retryable KahaError. */
  async publish(message: QueueMessage): Promise<void> {
    const { userId, payload, msgId } = message;
    const { bus, tails, shards } = this.#deps;
    if (tails.hold !== undefined) await tails.hold;
    if (!bus.connected) throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is not connected');
    const shard = shardOf(userId, shards);
    const ticket = tails.begin(userId, shard);
    const answer = await this.#mux.ask({
      subject: subjects.inbox(userId, shards),
      payload,
      headerLines: `Nats-Msg-Id: ${msgId}\r\n`,
      timeoutMs: PUBLISH_TIMEOUT_MS,
    });
    const ack = JSON.parse(decoder.decode(answer.data)) as PubAck;
    if (ack.error !== undefined) throw refusal(ack.error);
    if (ack.duplicate === true) tails.storedBefore(ticket, ack.seq);
    else if (!tails.stored(ticket, ack.seq)) this.#deps.onTailLost(shard);
  }
}

function refusal(error: { err_code: number; description: string }): Error {
  const { err_code: code, description } = error;
  if (code !== STORE_FAILED) {
    return new KahaError('MESSAGING_UNAVAILABLE', `Not stored: ${description}`);
  }
  return new QueueFull(description.includes('per subject') ? 'subject' : 'stream', description);
}
