import { shardOf, type UserId } from '../ids.ts';

/**
 * The names of the subjects, as services build them; `traffic.ts` tells who uses them. Tokens are
 * UUIDs, device ids or instance names, all of which are checked at the edge of the process: none
 * can hold `.`, `*`, `>` or a blank.
 */
export const subjects = {
  /** Request, edge → one router. */
  router: (instance: string) => `rpc.router.${instance}`,
  /** Request, queue group `store`. */
  store: (op: string) => `rpc.store.${op}`,
  /** Request, queue group `profiles`. */
  profiles: (op: string) => `rpc.profiles.${op}`,
  /** JetStream, router → the durables of a user. */
  inbox: (userId: UserId, shards: number) => `inbox.${shardOf(userId, shards)}.${userId}`,
  /** Deliver subject of one durable; subscribed while an edge takes from the queue. */
  deliver: (userId: UserId, deviceId: string) => `deliver.${userId}.${deviceId}`,
  /** Request, router → the edge that holds the device: an event for it, or to let go of it. */
  device: (userId: UserId, deviceId: string) => `device.${userId}.${deviceId}`,
  /** Where edges answer a router what it asked on `device.…`; one prefix per router. */
  answers: (instance: string) => `answers.${instance}`,
  /** Core, router and edge → the edges that hold the user. */
  user: (userId: UserId) => `user.${userId}`,
  /** Core, edge → edges with a watcher. */
  presence: (userId: UserId) => `presence.${userId}`,
  /** JetStream RECEIPTS, router → store: batches of positions, one sender per subject. */
  receipts: (instance: string) => `receipts.${instance}`,
  /** Core, router → edges, every second. */
  routerAlive: 'router.alive',
  /** Core, edge → routers, once at start. */
  routerWho: 'router.who',
  /** Core, router → edges, when it begins to drain. */
  routerLeaving: 'router.leaving',
  /** Core, among the routers: others take part in a conversation now. */
  membershipChanged: 'membership.changed',
  /** Core, among the routers: a device has a queue from now on. */
  queueMade: 'queue.made',
  /** Core, among the instances of profiles: what they hold of these is old. */
  profilesChanged: 'profiles.changed',
  userProfileUpdated: 'kaha.user.profile.updated',
  businessProfileUpdated: 'kaha.business.profile.updated',
} as const;

/** Names of streams and of the fixed durables on them. */
export const streams = {
  inbox: (shard: number | '*') => `INBOX_${shard}`,
  inboxSubjects: (shard: number) => `inbox.${shard}.*`,
  receipts: 'RECEIPTS',
  kahaEvents: 'KAHA_EVENTS',
  receiptsDurable: 'store',
  kahaEventsDurable: 'profiles',
} as const;

/** The durable of one device: `<user>_<device>`. */
export function durableName(userId: UserId, deviceId: string): string {
  return `${userId}_${deviceId}`;
}

/** The parts of a durable's name, or undefined where it is not one of a device. */
export function parseDurableName(name: string): { userId: UserId; deviceId: string } | undefined {
  if (name.length < 38 || name[36] !== '_') return undefined;
  return { userId: name.slice(0, 36) as UserId, deviceId: name.slice(37) };
}

/** JetStream's own deliveries carry this reply prefix; all else on a deliver subject is ours. */
export const JETSTREAM_ACK_PREFIX = '$JS.ACK.';
