import type { Kysely } from 'kysely';
import type { ConversationId, EventId, MessageId, UserId } from '../../shared/ids.ts';
import type { ConversationChange, ConversationRecord, OutboxEntry } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { type LoadedConversation, toConversationRecord } from './conversation-record.ts';
import { loadConversations } from './conversation-rows.ts';
import { selectByPlace } from './message-places.ts';
import { type MessageRow, toMessageRecord } from './message-row.ts';
import { loadReplyPreviews } from './reply-previews.ts';
import type { Database } from './schema.ts';

/** A claimed outbox row. */
export type OwedRow = {
  event_id: EventId;
  conversation_id: ConversationId;
  kind: 'message' | 'conversation';
  seq: number | null;
  payload: { change: ConversationChange } | null;
};

type Deps = { db: Kysely<Database>; cipher: ContentCipher };

/**
 * The events that are owed, as they are to be fanned out now: to who takes part now. A row whose
 * message or conversation is gone for good owes nothing; it is in `void`.
 */
export async function loadOutboxEntries(
  { db, cipher }: Deps,
  rows: readonly OwedRow[],
): Promise<{ entries: OutboxEntry[]; void: EventId[] }> {
  const ids = [...new Set(rows.map(({ conversation_id }) => conversation_id))];
  const conversations = new Map(
    (await loadConversations(db, ids)).map((one) => [one.conversation.conversation_id, one]),
  );
  const messages = await loadMessages(db, rows);
  const previews = await loadReplyPreviews(db, cipher, [...messages.values()]);
  const entries: OutboxEntry[] = [];
  const voided: EventId[] = [];
  for (const row of rows) {
    const loaded = conversations.get(row.conversation_id);
    const message = messages.get(row.event_id as string as MessageId);
    if (loaded !== undefined && row.kind === 'conversation') {
      const change = row.payload?.change ?? 'updated';
      const options = { eventId: row.event_id, change, cipher, nowMs: Date.now() };
      entries.push(toConversationEntry(loaded, options));
    } else if (loaded !== undefined && message !== undefined) {
      const reply = message.reply_to === null ? undefined : previews.get(message.reply_to);
      const record = toMessageRecord(message, cipher, reply);
      entries.push({ ...toAddress(loaded, row.event_id), kind: 'message', message: record });
    } else {
      voided.push(row.event_id);
    }
  }
  return { entries, void: voided };
}

type EntryOptions = {
  eventId: EventId;
  change: ConversationChange;
  cipher: ContentCipher;
  nowMs: number;
};

/** A `conversation` event: each participant's own view of it. */
export function toConversationEntry(
  loaded: LoadedConversation,
  { eventId, change, ...options }: EntryOptions,
): OutboxEntry {
  const records: Record<UserId, ConversationRecord> = {};
  for (const { user_id } of loaded.participants) {
    const record = toConversationRecord(loaded, user_id, options);
    if (record !== undefined) records[user_id] = record;
  }
  return { ...toAddress(loaded, eventId), kind: 'conversation', change, records };
}

function toAddress({ conversation, participants }: LoadedConversation, event_id: EventId) {
  const { conversation_id, version } = conversation;
  return { event_id, conversation_id, version, user_ids: participants.map((one) => one.user_id) };
}

/** By message id, found by their place: the primary key. */
async function loadMessages(
  db: Kysely<Database>,
  rows: readonly OwedRow[],
): Promise<Map<MessageId, MessageRow>> {
  const places = rows.flatMap(({ conversation_id, seq }) =>
    seq === null ? [] : { conversation_id, seq },
  );
  if (places.length === 0) return new Map();
  const found = await selectByPlace(db, places).execute();
  return new Map(found.map((row) => [row.message_id, row]));
}
