import { inboxPrefix } from '../../../shared/contracts/permissions.ts';
import { jetStreamApi, queueName, streams, subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { shardOf, type UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Device } from './known-queues.ts';

const TIMEOUT_MS = 2_000;
const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;
const CONSUMER_NOT_FOUND = 10014;

/** JetStream refused a request. `errCode` is JetStream's own, stable number of the error. */
class JetStreamApiError extends KahaError {
  readonly errCode: number;

  constructor(error: { err_code: number; description: string }) {
    super('MESSAGING_UNAVAILABLE', `JetStream: ${error.description}`);
    this.name = 'JetStreamApiError';
    this.errCode = error.err_code;
  }
}

export type QueueInfo = {
  created: string;
  delivered: { stream_seq: number; last_active?: string };
  /** All up to these numbers was acknowledged. `consumer_seq` counts what the queue has sent. */
  ack_floor: { consumer_seq: number; stream_seq: number; last_active?: string };
  num_pending: number;
  num_ack_pending: number;
};
/** A queue has delivered or acknowledged what stands at this number of its shard, or below. */
type Reached = { name: string; seq: number };
export type ShardInfo = {
  messages: number;
  bytes: number;
  /** The stream refuses messages beyond this size. */
  bytesMax: number;
  lastSeq: number;
  /** Each subject holds this many messages. */
  subjects: Record<string, number>;
};

/**
 * Makes, deletes and reads the device queues in JetStream. It rejects with KahaErrors and retries
 * nothing.
 */
export type QueueApi = {
  create(device: Device): Promise<void>;
  /** Deletes the device's queue. Resolves to true if there was one. */
  delete(device: Device): Promise<boolean>;
  info(device: Device): Promise<QueueInfo | undefined>;
  /** Reads one page of the names of a shard's consumers, from `offset`. */
  names(shard: number, offset: number): Promise<{ names: string[]; total: number }>;
  /** Reads how far each queue of a shard is. */
  reached(shard: number): Promise<Reached[]>;
  /**
   * Reads the state of a shard. Only with `perSubject` it tells how many messages each device's
   * subject holds (≤ 100 000 subjects).
   */
  shardInfo(shard: number, options?: { perSubject: boolean }): Promise<ShardInfo>;
};

type Options = { shards: number; inactiveDays: number };
type Answer = { error?: { code: number; err_code: number; description: string } };

export function createQueueApi(bus: Bus, { shards, inactiveDays }: Options): QueueApi {
  const mux = bus.mux(inboxPrefix('router'));
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  const ask = async <Reply>(op: string, body: object): Promise<Reply> => {
    if (!bus.connected) throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is not connected');
    const payload = encoder.encode(JSON.stringify(body));
    const answer = await mux.ask({ subject: jetStreamApi(op), payload, timeoutMs: TIMEOUT_MS });
    const reply = JSON.parse(decoder.decode(answer.data)) as Reply & Answer;
    if (reply.error !== undefined) throw new JetStreamApiError(reply.error);
    return reply;
  };
  const tokensOf = ({ userId, deviceId }: Device): string =>
    `${streams.queue(shardOf(userId, shards))}.${queueName(userId, deviceId)}`;

  return {
    async create(device) {
      const { userId, deviceId } = device;
      const config = queueConfig(device, { shards, inactiveDays });
      const body = { stream_name: streams.queue(shardOf(userId, shards)), config };
      await ask(`CONSUMER.DURABLE.CREATE.${tokensOf({ userId, deviceId })}`, body);
    },
    async delete(device) {
      const deleted = ask<object>(`CONSUMER.DELETE.${tokensOf(device)}`, {});
      return (await unlessMissing(deleted)) !== undefined;
    },
    info: (device) => unlessMissing(ask<QueueInfo>(`CONSUMER.INFO.${tokensOf(device)}`, {})),
    async names(shard, offset) {
      type Names = { consumers: string[] | null; total: number };
      const op = `CONSUMER.NAMES.${streams.queue(shard)}`;
      const { consumers, total } = await ask<Names>(op, { offset });
      return { names: consumers ?? [], total };
    },
    async reached(shard) {
      type Listed = QueueInfo & { name: string };
      const all: Reached[] = [];
      for (;;) {
        const body = { offset: all.length };
        const page = await ask<{ consumers: Listed[] | null; total: number }>(
          `CONSUMER.LIST.${streams.queue(shard)}`,
          body,
        );
        for (const { name, delivered, ack_floor: acked } of page.consumers ?? []) {
          all.push({ name, seq: Math.max(delivered.stream_seq, acked.stream_seq) });
        }
        if ((page.consumers ?? []).length === 0 || all.length >= page.total) return all;
      }
    },
    async shardInfo(shard, { perSubject } = { perSubject: false }) {
      type State = { messages: number; bytes: number; last_seq: number };
      type Info = {
        config: { max_bytes: number };
        state: State & { subjects?: Record<string, number> };
      };
      const body = perSubject ? { subjects_filter: streams.queueSubjects(shard) } : {};
      const { config, state } = await ask<Info>(`STREAM.INFO.${streams.queue(shard)}`, body);
      const { messages, bytes, last_seq: lastSeq, subjects: depths = {} } = state;
      return { messages, bytes, bytesMax: config.max_bytes, lastSeq, subjects: depths };
    },
  };
}

/**
 * Makes the configuration of a device queue. The configuration is part of the data: a migration
 * changes it, and a creation with other settings does not.
 */
function queueConfig({ userId, deviceId }: Device, { shards, inactiveDays }: Options): object {
  return {
    durable_name: queueName(userId, deviceId),
    deliver_subject: subjects.deliver(userId, deviceId),
    deliver_policy: 'new',
    replay_policy: 'instant',
    ack_policy: 'explicit',
    ack_wait: 10 * SECOND_NS,
    max_ack_pending: LIMITS.unacknowledgedMax,
    // With a limit, a frozen edge would make JetStream drop events silently.
    max_deliver: -1,
    filter_subject: subjects.queue(userId, deviceId, shards),
    inactive_threshold: inactiveDays * DAY_NS,
  };
}

async function unlessMissing<Reply>(asked: Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.errCode === CONSUMER_NOT_FOUND)
      return undefined;
    throw error;
  }
}

/** Returns the device to whose queue a subject of a shard leads. */
export function deviceOfSubject(subject: string): Device {
  const [, , userId, deviceId] = subject.split('.') as [string, string, UserId, string];
  return { userId, deviceId };
}
