import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { DurableEventKind } from './events.ts';

/**
 * The feed tells consumers such as push what has happened, in ids alone. Routers publish it on
 * `events.<router>`, and the stream `EVENTS` keeps it while a consumer has not acknowledged it. A
 * consumer gets each durable event at least once and in no order, and knows it by `event_id`. The
 * kinds `read` and `taken_late` are best effort.
 */
export type FeedKind = DurableEventKind | 'read' | 'taken_late';

export type FeedRecipient = {
  user_id: UserId;
  /**
   * The clients of these devices have acknowledged the event. The field is absent if store told of
   * the event, because store does not know who took it.
   */
  taken?: string[];
  /** One of these clients sent another frame than `ack`, `ping` and `auth` within 60 s before. */
  in_use?: true;
};

export type FeedEvent = {
  kind: FeedKind;
  /** Says what has changed, as in the frame of the event. */
  change?: string;
  /** An event that is told again has the same id. `taken_late` has the id of the event taken. */
  event_id: EventId;
  /** The change happened at this time, ISO 8601 in UTC with milliseconds. */
  at: string;
  conversation_id: ConversationId;
  /**
   * An event that tells of a message has the `seq` of the message, and a `read` that of the last
   * message read. Other events have none.
   */
  seq?: number;
  /** The message or the conversation has this version: that of the change, or a later one. */
  version?: number;
  sender_id?: UserId;
  recipients: FeedRecipient[];
};

/** One message of the stream holds at most 200 events and 512 KiB. */
export type FeedBatch = {
  /**
   * All events that happened before this time have been published, but for those that store cannot
   * read, ISO 8601 in UTC.
   */
  owed_from: string;
  events: FeedEvent[];
};

/** The range begins with `from` and ends before `until`; both are ISO 8601 in UTC. */
export type EventsRange = { from: string; until: string; cursor?: string; limit?: number };
/** The last page has null for a cursor. Any other page may be short, or empty. */
export type EventsPage = { events: FeedEvent[]; next_cursor: string | null };
