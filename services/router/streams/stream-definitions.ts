import { streams } from '../../../shared/contracts/subjects.ts';
import { type NatsUserKind, pulledStreams, subjectsOf } from '../../../shared/contracts/traffic.ts';
import { SUBJECT_MESSAGES_MAX } from '../queues/queue-depths.ts';

const MIB = 1024 * 1024;
const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;
const DUPLICATE_WINDOW_NS = 30 * SECOND_NS;
/** A smaller shard could not hold one full queue of ordinary messages. */
const SHARD_BYTES_MIN = 8 * MIB;
const RECEIPTS_BYTES_MAX = 256 * MIB;
const KAHA_EVENTS_BYTES_MAX = 64 * MIB;
const BOOKMARKS_BYTES_MAX = MIB;
/** A record of an erasure has 300 bytes, so these are 400 000. */
const ERASURES_BYTES_MAX = 128 * MIB;
/** EVENTS has a durable for each consumer of the feed, and one for each person who watches it. */
const EVENTS_CONSUMERS_MAX = 64;
/** Push acknowledges a batch once its pushes are done with, and holds 4000 batches until then. */
const TAKES_ON = { max_ack_pending: 5_000 };
/** One shard has at most this many device queues. Each takes ~40 KB of the server's memory. */
const SHARD_QUEUES_MAX = 4_096;

/**
 * A stream definition has the form that JetStream's API wants. An absent setting stays at the
 * server's default.
 */
export type StreamDefinition = { name: string; subjects: string[] } & Record<string, unknown>;
export type ConsumerDefinition = { stream: string; config: Record<string, unknown> };

export type StreamSettings = {
  shards: number;
  /** Each stream has this many replicas, but a shard of device queues always has one. */
  replicas: number;
  /**
   * All shards of device queues together get this much disk. JetStream reserves it when it makes
   * them.
   */
  queueBytesMax: number;
  /** EVENTS gets this much disk, which JetStream reserves too. */
  eventsBytesMax: number;
  /** Each of these consumers of the feed has a durable on EVENTS. */
  feedConsumers: readonly string[];
  /** Each share of push has a durable on EVENTS. None has one unless this is set. */
  pushShares?: number;
};

/** Defines every stream of the project. */
export function streamDefinitions(settings: StreamSettings): StreamDefinition[] {
  const { shards, replicas, eventsBytesMax } = settings;
  const shardStreams = Array.from({ length: shards }, (_, shard) => shardStream(shard, settings));
  const receipts = {
    name: streams.receipts,
    subjects: subjectsOf(streams.receipts),
    retention: 'workqueue',
    storage: 'file',
    num_replicas: replicas,
    max_age: DAY_NS,
    max_bytes: RECEIPTS_BYTES_MAX,
    discard: 'new',
    max_consumers: 8,
    duplicate_window: DUPLICATE_WINDOW_NS,
  };
  const events = {
    ...receipts,
    name: streams.events,
    subjects: subjectsOf(streams.events),
    // An event is kept until each consumer has acknowledged it. With no consumer, none is kept.
    retention: 'interest',
    max_age: 7 * DAY_NS,
    max_bytes: eventsBytesMax,
    // A consumer that is away must not stop the chat. It sees the gap and catches up from SQL.
    discard: 'old',
    max_consumers: EVENTS_CONSUMERS_MAX,
  };
  // Each consumer of the feed has one bookmark, which its next one replaces.
  const bookmarks = {
    ...receipts,
    name: streams.bookmarks,
    subjects: subjectsOf(streams.bookmarks),
    retention: 'limits',
    max_age: 0,
    max_bytes: BOOKMARKS_BYTES_MAX,
    max_msgs_per_subject: 1,
    discard: 'old',
    allow_direct: true,
  };
  // A database that is restored from a backup learns here what was erased since. A full stream
  // refuses more, and then nothing more is erased.
  const erasures = {
    ...receipts,
    name: streams.erasures,
    subjects: subjectsOf(streams.erasures),
    retention: 'limits',
    max_age: 0,
    max_bytes: ERASURES_BYTES_MAX,
    discard: 'new',
    allow_direct: true,
  };
  const kahaEvents = {
    ...receipts,
    name: streams.kahaEvents,
    subjects: subjectsOf(streams.kahaEvents),
    retention: 'limits',
    max_bytes: KAHA_EVENTS_BYTES_MAX,
    // A profile event only tells that a cached profile is old, so the newest events matter.
    discard: 'old',
  };
  return [...shardStreams, receipts, events, bookmarks, erasures, kahaEvents];
}

type Consumers = Pick<StreamSettings, 'feedConsumers' | 'pushShares'>;

/** Defines the durable consumers that are not device queues. */
export function consumerDefinitions(consumers: Consumers): ConsumerDefinition[] {
  const pull = {
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: 30 * SECOND_NS,
    max_ack_pending: 1_000,
    max_deliver: -1,
  };
  return pulledStreams().flatMap(({ stream, pulledBy }) => {
    return namesOf(pulledBy, consumers).map((name) => ({
      stream,
      config: { ...pull, ...(pulledBy === 'push' && TAKES_ON), durable_name: name },
    }));
  });
}

/** Returns the durables by which users of a kind pull. */
function namesOf(kind: NatsUserKind, { feedConsumers, pushShares = 0 }: Consumers) {
  if (kind === 'feed') return feedConsumers;
  if (kind !== 'push') return [kind];
  return Array.from({ length: pushShares }, (_, share) => streams.pushConsumer(share));
}

/**
 * Makes the description of a shard's stream. JetStream keeps the description with the stream, and
 * in it the number of shards that users are divided into. A set-up must never change that number.
 */
export function shardDescription(shard: number, shards: number): string {
  return `queue shard ${shard} of ${shards}`;
}

/**
 * Defines the stream of one shard. It has one replica, because a queue can be rebuilt from the
 * database. A full shard, and a full subject in it, refuse new events. Otherwise the oldest events
 * would vanish silently, while a refusal is seen and dealt with.
 */
function shardStream(shard: number, { shards, queueBytesMax }: StreamSettings): StreamDefinition {
  return {
    name: streams.queue(shard),
    description: shardDescription(shard, shards),
    subjects: [streams.queueSubjects(shard)],
    retention: 'interest',
    storage: 'file',
    num_replicas: 1,
    max_age: 7 * DAY_NS,
    max_bytes: Math.max(SHARD_BYTES_MIN, Math.floor(queueBytesMax / shards)),
    max_msgs_per_subject: SUBJECT_MESSAGES_MAX,
    discard: 'new',
    discard_new_per_subject: true,
    max_consumers: SHARD_QUEUES_MAX,
    duplicate_window: DUPLICATE_WINDOW_NS,
  };
}
