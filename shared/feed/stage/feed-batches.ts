import type { FeedBatch, FeedEvent, FeedKind, FeedRecipient } from '../../contracts/feed.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../ids.ts';

const recipient = (): FeedRecipient => ({ user_id: newId<UserId>(), taken: ['phone'] });

/** Makes an event as a router tells it. */
export function feedEvent(at = new Date(), kind: FeedKind = 'message'): FeedEvent {
  return {
    ...{ kind, event_id: newId<EventId>(), at: at.toISOString() },
    ...{ conversation_id: newId<ConversationId>(), seq: 1, sender_id: newId<UserId>() },
    recipients: [recipient(), recipient()],
  };
}

/** Makes a batch whose events are all that is owed. */
export function feedBatch(events: FeedEvent[], owedFrom = new Date()): FeedBatch {
  return { owed_from: owedFrom.toISOString(), events };
}
