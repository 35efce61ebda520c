import { type BusinessId, shardOf, type UserId } from '../ids.ts';

/** The subject of each event of kaha-main-v3 begins so, and the event's name follows. */
export const KAHA_PREFIX = 'kaha.';

/** A pattern has this token where a subject has any one user, device or shard. */
type Any = '*';

/**
 * Services build the names of their subjects here, and `traffic.ts` builds its patterns with the
 * same functions and tells who uses each subject. Tokens are UUIDs, device ids or names of
 * instances. Each process checks them where they enter it: none can hold `.`, `*`, `>` or a blank.
 */
export const subjects = {
  /** An edge asks one router. */
  router: (instance: string) => `rpc.router.${instance}`,
  /** A service asks any instance of store (queue group `store`). */
  store: (op: string) => `rpc.store.${op}`,
  /** An edge asks any instance of profiles (queue group `profiles`). */
  profiles: (op: string) => `rpc.profiles.${op}`,
  /** A router publishes a durable event to the queue of a device (JetStream). */
  queue: (userId: UserId, deviceId: string, shards: number) =>
    `queue.${shardOf(userId, shards)}.${userId}.${deviceId}`,
  /** A device queue delivers here while an edge subscribes and takes from the queue. */
  deliver: (userId: UserId | Any, deviceId: string) => `deliver.${userId}.${deviceId}`,
  /**
   * A router offers an event to the edge that holds the device, or asks it to let go of the device
   * or to sign it out, or whether it holds the device.
   */
  device: (userId: UserId | Any, deviceId: string) => `device.${userId}.${deviceId}`,
  /**
   * Edges answer a router here what it asked on `device.…`. Each router has a prefix of its own.
   */
  answers: (instance: string) => `answers.${instance}`,
  /** Services publish live events and signals to the edges that hold the user (core NATS). */
  user: (userId: UserId | Any) => `user.${userId}`,
  /**
   * An edge tells a change of the user's presence to the edges on which somebody watches the user
   * (core NATS).
   */
  presence: (userId: UserId | Any) => `presence.${userId}`,
  /**
   * A router tells edges that the inbox of a business has changed, or who its agents are, or
   * whether they are available (core NATS).
   */
  business: (businessId: BusinessId | Any) => `business.${businessId}`,
  /**
   * A router publishes batches of positions for store (JetStream `RECEIPTS`). Each subject has one
   * sender.
   */
  receipts: (instance: string) => `receipts.${instance}`,
  /** A router publishes the feed of durable events (JetStream `EVENTS`). */
  events: (instance: string) => `events.${instance}`,
  /** A consumer of the feed keeps here how far it has got (JetStream `FEED_BOOKMARKS`). */
  bookmarks: (consumer: string) => `bookmarks.${consumer}`,
  /** A store records here that something is erased (JetStream `ERASURES`). */
  erasures: 'erasures',
  /** A router tells edges every second that it is alive (core NATS). */
  routerAlive: 'router.alive',
  /** An edge asks at its start, and after each reconnect, which routers there are (core NATS). */
  routerWho: 'router.who',
  /** A router tells edges that it begins to drain (core NATS). */
  routerLeaving: 'router.leaving',
  /** A router tells edges that a user was erased (core NATS). */
  erased: 'users.erased',
  /** A router tells the others that the participants of a conversation have changed (core NATS). */
  membershipChanged: 'membership.changed',
  /** A router tells the others that a device has a queue from now on (core NATS). */
  queuesMade: 'queues.made',
  /** A router tells the others which devices have a session, or open one (core NATS). */
  queuesHeld: 'queues.held',
  /**
   * Routers tell each other how far the shards of device queues have got, and which shards have
   * lost what they had acknowledged (core NATS).
   */
  queuesTails: 'queues.tails',
  /** An instance of profiles tells the others which of the profiles that they hold are old. */
  profilesChanged: 'profiles.changed',
  userProfileUpdated: `${KAHA_PREFIX}user.profile.updated`,
  businessProfileUpdated: `${KAHA_PREFIX}business.profile.updated`,
} as const;

/** Push divides its users into at most this many shares. */
export const PUSH_SHARES_MAX = 8;

const SHARD_PREFIX = 'QUEUE_';

/** These are the names of the streams, of what they keep, and of the fixed durables on them. */
export const streams = {
  queue: (shard: number | Any) => `${SHARD_PREFIX}${shard}`,
  queueSubjects: (shard: number | Any) => `queue.${shard}.>`,
  receipts: 'RECEIPTS',
  events: 'EVENTS',
  bookmarks: 'FEED_BOOKMARKS',
  erasures: 'ERASURES',
  kahaEvents: 'KAHA_EVENTS',
  kahaEventsSubjects: `${KAHA_PREFIX}>`,
  receiptsDurable: 'store',
  kahaEventsDurable: 'profiles',
  /** Each share of push reads all of the feed, and pushes to its own part of the users. */
  pushConsumer: (share: number) => `push${share}`,
} as const;

/** Reads the shard from the name of its stream; undefined if the stream holds no device queues. */
export function shardOfStream(name: string): number | undefined {
  const shard = name.startsWith(SHARD_PREFIX) ? name.slice(SHARD_PREFIX.length) : '';
  return /^\d+$/.test(shard) ? Number(shard) : undefined;
}

/** Tells whether a stream held device queues when all devices of a user shared a subject. */
export function isFormerShard(name: string): boolean {
  return /^INBOX_\d+$/.test(name);
}

/** Makes the name of a device queue, which is a durable in JetStream: `<user>_<device>`. */
export function queueName(userId: UserId, deviceId: string): string {
  return `${userId}_${deviceId}`;
}

/** Reads the device from the name of its queue; undefined if the name is not one of a queue. */
export function parseQueueName(name: string): { userId: UserId; deviceId: string } | undefined {
  if (name.length < 38 || name[36] !== '_') return undefined;
  return { userId: name.slice(0, 36) as UserId, deviceId: name.slice(37) };
}

/** JetStream takes requests of its API on these subjects. */
export const jetStreamApi = (request: string): string => `$JS.API.${request}`;

/** JetStream tells here that a consumer was made or deleted. */
export const consumerAdvisory = (event: 'CREATED' | 'DELETED'): string =>
  `$JS.EVENT.ADVISORY.CONSUMER.${event}.>`;

/** A delivery of JetStream has a reply subject with this prefix, which acknowledges the event. */
const JETSTREAM_ACK_PREFIX = '$JS.ACK.';

/** Makes the pattern of all acknowledgements, or of those of a stream, or of one consumer. */
export function jetStreamAcks(stream?: string, consumer?: string): string {
  const tokens = [stream, consumer].filter((token) => token !== undefined);
  return `${JETSTREAM_ACK_PREFIX}${[...tokens, '>'].join('.')}`;
}
