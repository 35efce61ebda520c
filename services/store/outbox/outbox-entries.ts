import type { Kysely } from 'kysely';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { DurableEventKind } from '../../../shared/contracts/events.ts';
import type { ReplyPreview } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry, OutboxEntryOf, ReactionSet } from '../../../shared/contracts/outbox.ts';
import { audienceOf, outsideOf } from '../../../shared/durable-events/audience.ts';
import type { ConversationId, EventId, UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ConversationPayload, Database, OutboxPayloads } from '../database/schema.ts';
import { toMessageUpdate } from '../messages/message-update.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import type { LoadedConversation } from '../records/conversation-rows.ts';
import { loadConversations } from '../records/conversation-rows.ts';
import { type Place, selectByPlace } from '../records/message-places.ts';
import { type MessageRow, toMessageRecord } from '../records/message-row.ts';
import { toParticipants } from '../records/participants-reader.ts';
import { loadReactions } from '../records/reactions.ts';
import { loadReplyPreviews } from '../records/reply-previews.ts';

type OwedRowOf<Kind extends DurableEventKind> = {
  event_id: EventId;
  conversation_id: ConversationId;
  kind: Kind;
  seq: number | null;
  payload: OutboxPayloads[Kind];
};
/** A router has claimed this outbox row and owes its fan-out. */
export type OwedRow = { [Kind in DurableEventKind]: OwedRowOf<Kind> }[DurableEventKind];

type Deps = { db: Kysely<Database>; cipher: ContentCipher };

/**
 * This loader turns claimed rows into the events that a router fans out. A row tells, by its kind,
 * who gets the event. A user who has left gets nothing but the event of their own removal. A row
 * whose message or conversation no longer exists owes nothing: its id is returned in `void`.
 */
export async function loadOutboxEntries(
  { db, cipher }: Deps,
  rows: readonly OwedRow[],
): Promise<{ entries: OutboxEntry[]; void: EventId[] }> {
  const ids = [...new Set(rows.map(({ conversation_id }) => conversation_id))];
  const conversations = new Map(
    (await loadConversations(db, ids)).map((one) => [one.conversation.conversation_id, one]),
  );
  const messages = await loadMessages({ db, cipher }, rows);
  const entries: OutboxEntry[] = [];
  const voided: EventId[] = [];
  for (const row of rows) {
    const loaded = conversations.get(row.conversation_id);
    const message = row.seq === null ? undefined : messages.get(keyOf({ ...row, seq: row.seq }));
    const entry = loaded && toEntry(row, { loaded, message, cipher });
    if (entry === undefined) voided.push(row.event_id);
    else entries.push(entry);
  }
  return { entries, void: voided };
}

type FoundMessage = {
  row: MessageRow;
  reply: ReplyPreview | undefined;
  reactions: readonly ReactionSet[];
};
type Found = {
  loaded: LoadedConversation;
  /** This is undefined if the row names no message, or one that is gone. */
  message: FoundMessage | undefined;
  cipher: ContentCipher;
};

/** Each kind of row has its own way to an entry. A row owes nothing if the result is undefined. */
const ENTRIES: {
  [Kind in DurableEventKind]: (row: OwedRowOf<Kind>, found: Found) => OutboxEntry | undefined;
} = {
  message: toMessageEntry,
  message_updated: toUpdateEntry,
  conversation({ event_id: eventId, payload }, { loaded, cipher }) {
    const options = { payload: payload ?? { change: 'updated' }, cipher, nowMs: Date.now() };
    return toConversationEntry(loaded, { eventId, ...options });
  },
};

function toEntry<Kind extends DurableEventKind>(
  row: OwedRowOf<Kind>,
  found: Found,
): OutboxEntry | undefined {
  return ENTRIES[row.kind](row, found);
}

/**
 * A `message` goes to the participants who took part when it was sent. A `message` that was changed
 * since carries its current text and still says version 1, because clients must not ignore the
 * updates, each of which has an outbox row of its own.
 */
function toMessageEntry(
  owed: OwedRowOf<'message'>,
  { loaded, message, cipher }: Found,
): OutboxEntryOf<'message'> | undefined {
  if (message === undefined) return undefined;
  const { row, reply } = message;
  const participants = toParticipants(loaded);
  const user_ids = audienceOf(participants, { of: 'receivers', seq: row.seq });
  const record = { ...toMessageRecord(row, cipher, reply), version: 1 };
  const address = addressOf(owed, { loaded, user_ids });
  const entry: OutboxEntryOf<'message'> = { ...address, kind: 'message', message: record };
  if (reply !== undefined && row.reply_to_seq !== null) {
    entry.without_preview = [...outsideOf(participants, { of: 'seers', seq: row.reply_to_seq })];
  }
  return entry;
}

/**
 * A `message_updated` goes to all participants who can see the message: a participant who joined
 * later reads a shared history from Postgres, but its updates must be sent.
 */
function toUpdateEntry(
  owed: OwedRowOf<'message_updated'>,
  { loaded, message, cipher }: Found,
): OutboxEntryOf<'message_updated'> | undefined {
  if (message === undefined) return undefined;
  const { row, reactions } = message;
  const { payload } = owed;
  const user_ids = audienceOf(toParticipants(loaded), { of: 'seers', seq: row.seq });
  const update = toMessageUpdate({ row, reactions, recorded: payload }, cipher);
  const address = addressOf(owed, { loaded, user_ids });
  return { ...address, kind: 'message_updated', update, changed_at: payload.changed_at };
}

type Recipients = {
  loaded: LoadedConversation;
  user_ids: readonly UserId[];
};

function addressOf({ event_id, conversation_id }: OwedRow, { loaded, user_ids }: Recipients) {
  const { version } = loaded.conversation;
  return { event_id, conversation_id, version, user_ids: [...user_ids] };
}

type EntryOptions = {
  eventId: EventId;
  payload: ConversationPayload;
  cipher: ContentCipher;
  nowMs: number;
};

/** A `conversation` event carries for each of its recipients the record as that user sees it. */
export function toConversationEntry(
  loaded: LoadedConversation,
  { eventId, payload, ...options }: EntryOptions,
): OutboxEntryOf<'conversation'> {
  const { change, user_ids: among, left } = payload;
  const records: Record<UserId, ConversationRecord> = {};
  const audience = { of: 'participants' as const, among };
  for (const userId of left ? (among ?? []) : audienceOf(toParticipants(loaded), audience)) {
    const record = left ?? toConversationRecord(loaded, userId, options);
    if (record !== undefined) records[userId] = record;
  }
  const { conversation_id, version } = loaded.conversation;
  const user_ids = Object.keys(records) as UserId[];
  const address = { event_id: eventId, conversation_id, version: left?.version ?? version };
  return { ...address, user_ids, kind: 'conversation', change, records };
}

/** The map holds each message by its place, with its reply preview and its reactions. */
async function loadMessages(
  { db, cipher }: Deps,
  rows: readonly OwedRow[],
): Promise<Map<string, FoundMessage>> {
  const places = rows.flatMap(({ conversation_id, seq }) =>
    seq === null ? [] : { conversation_id, seq },
  );
  if (places.length === 0) return new Map();
  const found = await selectByPlace(db, places).execute();
  const [previews, reactions] = await Promise.all([
    loadReplyPreviews(db, cipher, found),
    loadReactions(db, found),
  ]);
  return new Map(
    found.map((row) => {
      const reply = previews.get(row.message_id);
      return [keyOf(row), { row, reply, reactions: reactions.get(row.message_id) ?? [] }];
    }),
  );
}

function keyOf({ conversation_id, seq }: Place): string {
  return `${conversation_id}/${seq}`;
}
