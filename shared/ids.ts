import { randomUUID } from 'node:crypto';

/** Ids are lower-case UUID v4 strings; the brand keeps one kind from being passed for another. */
type Branded<Name extends string> = string & { readonly __brand: Name };
export type UserId = Branded<'UserId'>;
export type ConversationId = Branded<'ConversationId'>;
export type MessageId = Branded<'MessageId'>;
export type BusinessId = Branded<'BusinessId'>;
/** Names a fan-out that is owed: one outbox row, and with `:<user>` the `Nats-Msg-Id`. */
export type EventId = Branded<'EventId'>;

/** Names a user in a conversation, in memory only. */
export type ParticipantKey = Branded<'ParticipantKey'>;

export const UUID_V4_PATTERN =
  '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';
export const DEVICE_ID_PATTERN = '^[A-Za-z0-9-]{1,64}$';

const UUID_V4 = new RegExp(UUID_V4_PATTERN);
const DEVICE_ID = new RegExp(DEVICE_ID_PATTERN);

/** True for a lower-case UUID v4. */
export function isUuidV4(value: unknown): value is UserId & ConversationId & MessageId {
  return typeof value === 'string' && UUID_V4.test(value);
}

/** True for what may name a device; nothing in it has a meaning in a NATS subject. */
export function isDeviceId(value: unknown): value is string {
  return typeof value === 'string' && DEVICE_ID.test(value);
}

/** A fresh UUID v4. */
export function newId<Id extends string>(): Id {
  return randomUUID() as string as Id;
}

/** The key of what is held for each user of each conversation. Both ids have the same length. */
export function participantKey(conversationId: ConversationId, userId: UserId): ParticipantKey {
  return (conversationId + userId) as ParticipantKey;
}

/** The inbox shard of a user: the first 32 bits of the UUID modulo the number of shards. */
export function shardOf(userId: UserId, shards: number): number {
  return Number.parseInt(userId.slice(0, 8), 16) % shards;
}
