import { randomUUID } from 'node:crypto';

/**
 * Ids are lower-case UUID v4 strings. The brand makes the compiler refuse an id of one kind where
 * another kind belongs.
 */
type Branded<Name extends string> = string & { readonly __brand: Name };
export type UserId = Branded<'UserId'>;
export type ConversationId = Branded<'ConversationId'>;
export type MessageId = Branded<'MessageId'>;
export type BusinessId = Branded<'BusinessId'>;
export type JobId = Branded<'JobId'>;
/**
 * An event id names a durable event and its fan-out. The event has one outbox row with this id. Its
 * copy for a device queue has the `Nats-Msg-Id` `<event id>:<user>_<device>`.
 */
export type EventId = Branded<'EventId'>;

/** A participant key names a user in a conversation. It is used in memory only. */
export type ParticipantKey = Branded<'ParticipantKey'>;

/** This user has what erased people wrote. No token names them, and they take part in nothing. */
export const NOBODY = '00000000-0000-4000-8000-000000000000' as UserId;

export const UUID_V4_PATTERN =
  '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';
export const DEVICE_ID_PATTERN = '^[A-Za-z0-9-]{1,64}$';

const UUID_V4 = new RegExp(UUID_V4_PATTERN);
const DEVICE_ID = new RegExp(DEVICE_ID_PATTERN);

/** Accepts a lower-case UUID v4. */
export function isUuidV4(value: unknown): value is UserId & ConversationId & MessageId {
  return typeof value === 'string' && UUID_V4.test(value);
}

/** Accepts a device id. No character of a device id has a meaning in a NATS subject. */
export function isDeviceId(value: unknown): value is string {
  return typeof value === 'string' && DEVICE_ID.test(value);
}

export function newId<Id extends string>(): Id {
  return randomUUID() as string as Id;
}

/**
 * Makes the key of a map that has an entry for each user of each conversation. All ids have the
 * same length, so two pairs never make the same key.
 */
export function participantKey(conversationId: ConversationId, userId: UserId): ParticipantKey {
  return (conversationId + userId) as ParticipantKey;
}

/**
 * Returns the shard that a user's device queues are in. It is the first 32 bits of the UUID modulo
 * the number of shards.
 */
export function shardOf(userId: UserId, shards: number): number {
  return Number.parseInt(userId.slice(0, 8), 16) % shards;
}
