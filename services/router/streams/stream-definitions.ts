import { streams } from '../../../shared/contracts/subjects.ts';
import { SUBJECT_MESSAGES_MAX } from '../queues/queue-verdict.ts';

const MIB = 1024 * 1024;
const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;
const DUPLICATE_WINDOW_NS = 30 * SECOND_NS;
/** Below it a shard could not hold one full queue of ordinary messages. */
const SHARD_BYTES_MIN = 8 * MIB;
const RECEIPTS_BYTES_MAX = 256 * MIB;
const PUSH_BYTES_MAX = 64 * MIB;
const KAHA_EVENTS_BYTES_MAX = 64 * MIB;
/** Device queues in one shard: a hard cap, ~40 KB of the server's memory each. */
const SHARD_QUEUES_MAX = 4_096;

/** As JetStream's API wants it. What is absent stays at the server's default. */
export type StreamDefinition = { name: string; subjects: string[] } & Record<string, unknown>;
export type DurableDefinition = { stream: string; config: Record<string, unknown> };

export type StreamSettings = {
  shards: number;
  /** For RECEIPTS, PUSH and KAHA_EVENTS; an inbox shard always has one. */
  replicas: number;
  /** Disk for all inbox shards together. JetStream reserves it when they are made. */
  inboxBytesMax: number;
};

/** Every stream there is. */
export function streamDefinitions(settings: StreamSettings): StreamDefinition[] {
  const { shards, replicas } = settings;
  const inboxes = Array.from({ length: shards }, (_, shard) => inboxStream(shard, settings));
  const receipts = {
    name: streams.receipts,
    subjects: ['receipts.*'],
    retention: 'workqueue',
    storage: 'file',
    num_replicas: replicas,
    max_age: DAY_NS,
    max_bytes: RECEIPTS_BYTES_MAX,
    discard: 'new',
    max_consumers: 8,
    duplicate_window: DUPLICATE_WINDOW_NS,
  };
  const push = { ...receipts, name: streams.push, subjects: ['push.*'], max_bytes: PUSH_BYTES_MAX };
  const kahaEvents = {
    ...receipts,
    name: streams.kahaEvents,
    subjects: ['kaha.>'],
    retention: 'limits',
    max_bytes: KAHA_EVENTS_BYTES_MAX,
    // A profile event only tells that a cached profile is old: the newest matter.
    discard: 'old',
  };
  return [...inboxes, receipts, push, kahaEvents];
}

/** The durables that are not a device's. */
export function durableDefinitions(): DurableDefinition[] {
  const pull = {
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: 30 * SECOND_NS,
    max_ack_pending: 1_000,
    max_deliver: -1,
  };
  return [
    { stream: streams.receipts, config: { ...pull, durable_name: streams.receiptsDurable } },
    { stream: streams.kahaEvents, config: { ...pull, durable_name: streams.kahaEventsDurable } },
  ];
}

/** Tells in the data into how many shards users are divided: never to be changed by a set-up. */
export function inboxDescription(shard: number, shards: number): string {
  return `inbox shard ${shard} of ${shards}`;
}

/**
 * One replica: a queue can be rebuilt from the database. A full shard, and a full queue in it,
 * refuse what is new: the oldest would vanish silently, a refusal is seen and dealt with.
 */
function inboxStream(shard: number, { shards, inboxBytesMax }: StreamSettings): StreamDefinition {
  return {
    name: streams.inbox(shard),
    description: inboxDescription(shard, shards),
    subjects: [streams.inboxSubjects(shard)],
    retention: 'interest',
    storage: 'file',
    num_replicas: 1,
    max_age: 7 * DAY_NS,
    max_bytes: Math.max(SHARD_BYTES_MIN, Math.floor(inboxBytesMax / shards)),
    max_msgs_per_subject: SUBJECT_MESSAGES_MAX,
    discard: 'new',
    discard_new_per_subject: true,
    max_consumers: SHARD_QUEUES_MAX,
    duplicate_window: DUPLICATE_WINDOW_NS,
  };
}
