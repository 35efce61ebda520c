import { type Kysely, sql } from 'kysely';
import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import type { DurableEvents, FoundMessage } from '../../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database, MessagesTable } from '../database/schema.ts';
import { foundIn, type OwedRow, toEntry } from '../outbox/to-entry.ts';
import { loadConversations } from '../records/conversation-rows.ts';

export type FeedDeps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  events?: DurableEvents | undefined;
  logger: Logger;
};

/**
 * The call tells what the feed told of these rows, but for who took the events. The table of
 * durable events decides who gets an event and what is said of it, as it does for a fan-out.
 * Nothing is decrypted, because the feed has ids alone. An event whose message or conversation is
 * gone is left out, and so is a row that cannot be read.
 */
export async function loadFeedEvents(
  { db, ciphers, events = DURABLE_EVENTS, logger }: FeedDeps,
  rows: readonly OwedRow[],
): Promise<FeedEvent[]> {
  if (rows.length === 0) return [];
  const ids = [...new Set(rows.map(({ conversation_id }) => conversation_id))];
  const [conversations, messages, cipher] = await Promise.all([
    loadConversations(db, ids),
    selectIds(db, rows),
    ciphers.open([]),
  ]);
  const byId = new Map(conversations.map((one) => [one.conversation.conversation_id, one]));
  return rows.flatMap((row) => {
    const loaded = byId.get(row.conversation_id);
    if (loaded === undefined) return [];
    try {
      const message = messages.get(`${row.conversation_id}/${row.seq}`);
      // The feed shows no record, so the last message is left out of it and not decrypted.
      const bare = { ...loaded, lastMessage: undefined };
      const found = foundIn(bare, cipher, message && withoutContent(message));
      const entry = toEntry(row, found, events);
      return entry === undefined ? [] : toFeedEvent(entry, events);
    } catch (error) {
      logger.error({ err: error, event_id: row.event_id }, 'a past event cannot be read');
      return [];
    }
  });
}

function toFeedEvent(
  entry: NonNullable<ReturnType<typeof toEntry>>,
  events: DurableEvents,
): FeedEvent {
  const { event_id, conversation_id, kind, at, user_ids } = entry;
  const recipients = user_ids.map((user_id) => ({ user_id }));
  return { kind, ...events[kind]?.facts(entry), event_id, at, conversation_id, recipients };
}

type MessageIds = Pick<
  MessagesTable,
  'conversation_id' | 'seq' | 'sent_at' | 'message_id' | 'sender_id' | 'message_type'
> & { version: number; reply_to_seq: number | null };

function withoutContent({ reply_to_seq: repliedSeq, ...message }: MessageIds): FoundMessage {
  const { message_id, conversation_id, seq } = message;
  return {
    seq,
    repliedSeq,
    record: () => message,
    update: (recorded) => ({ message_id, conversation_id, seq, ...recorded, reactions: [] }),
  };
}

/** The map has the messages of the rows by their places. */
async function selectIds(
  db: Kysely<Database>,
  rows: readonly OwedRow[],
): Promise<Map<string, MessageIds>> {
  const places = rows.filter(({ seq }) => seq !== null);
  const { rows: found } = await sql<MessageIds>`
    select conversation_id, seq, sent_at, message_id, sender_id, message_type, version,
      reply_to_seq
    from unnest(${places.map(({ conversation_id }) => conversation_id)}::uuid[],
      ${places.map(({ seq }) => seq)}::bigint[]) as place (conversation_id, seq)
      join messages using (conversation_id, seq)`.execute(db);
  return new Map(found.map((row) => [`${row.conversation_id}/${row.seq}`, row]));
}
