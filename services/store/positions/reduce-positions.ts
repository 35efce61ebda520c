import type { PositionItem } from '../../../shared/contracts/positions.ts';
import {
  type ConversationId,
  isUuidV4,
  type ParticipantKey,
  participantKey,
  type UserId,
} from '../../../shared/ids.ts';

/** These are the highest positions of one user in one conversation; times are epoch ms. */
export type Position = {
  conversation_id: ConversationId;
  user_id: UserId;
  delivered_seq: number;
  delivered_at_ms: number;
  read_seq: number;
  read_at_ms: number;
};

/** Items become one position per conversation and user. A message that is read is delivered too. */
export function reducePositions(items: readonly PositionItem[]): Position[] {
  const positions = new Map<ParticipantKey, Position>();
  for (const item of items) {
    if (!isPositionItem(item)) continue;
    const [conversation_id, user_id, kind, seq, atMs] = item;
    const key = participantKey(conversation_id, user_id);
    const position = positions.get(key) ?? {
      conversation_id,
      user_id,
      delivered_seq: 0,
      delivered_at_ms: 0,
      read_seq: 0,
      read_at_ms: 0,
    };
    positions.set(key, position);
    if (seq > position.delivered_seq) {
      position.delivered_seq = seq;
      position.delivered_at_ms = atMs;
    }
    if (kind === 'read' && seq > position.read_seq) {
      position.read_seq = seq;
      position.read_at_ms = atMs;
    }
  }
  return [...positions.values()];
}

/** The reducer drops a malformed item, so that it does not hold up the others. */
function isPositionItem(item: PositionItem): boolean {
  if (!Array.isArray(item)) return false;
  const [conversationId, userId, kind, seq, atMs] = item;
  return (
    isUuidV4(conversationId) &&
    isUuidV4(userId) &&
    (kind === 'delivered' || kind === 'read') &&
    Number.isSafeInteger(seq) &&
    seq > 0 &&
    Number.isSafeInteger(atMs) &&
    Math.abs(atMs) < 8.64e15
  );
}
