import type { Kysely } from 'kysely';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { ReplyPreview } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry, ReactionSet } from '../../../shared/contracts/outbox.ts';
import type { ConversationId, EventId, UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ConversationPayload, Database, OutboxPayload } from '../database/schema.ts';
import { toMessageUpdate } from '../messages/message-update.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import type { LoadedConversation } from '../records/conversation-rows.ts';
import { loadConversations } from '../records/conversation-rows.ts';
import { type Place, selectByPlace } from '../records/message-places.ts';
import { type MessageRow, toMessageRecord } from '../records/message-row.ts';
import { loadReactions } from '../records/reactions.ts';
import { loadReplyPreviews } from '../records/reply-previews.ts';
import { canSee } from '../records/shown-messages.ts';

/** A router has claimed this outbox row and owes its fan-out. */
export type OwedRow = {
  event_id: EventId;
  conversation_id: ConversationId;
  kind: 'message' | 'message_updated' | 'conversation';
  seq: number | null;
  payload: OutboxPayload | null;
};

type Deps = { db: Kysely<Database>; cipher: ContentCipher };

/**
 * This loader turns claimed rows into the events that a router fans out. An event goes to the users
 * who took part when it happened and still take part now; a user who has left gets nothing more. A
 * row whose message or conversation no longer exists owes nothing: its id is returned in `void`.
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
    if (loaded !== undefined && row.kind === 'conversation') {
      const payload = (row.payload ?? { change: 'updated' }) as ConversationPayload;
      const options = { eventId: row.event_id, payload, cipher, nowMs: Date.now() };
      entries.push(toConversationEntry(loaded, options));
    } else if (loaded !== undefined && message !== undefined) {
      entries.push(toMessageEntry({ owed: row, loaded, message }, cipher));
    } else {
      voided.push(row.event_id);
    }
  }
  return { entries, void: voided };
}

type FoundMessage = {
  row: MessageRow;
  reply: ReplyPreview | undefined;
  reactions: readonly ReactionSet[];
};
type Owed = { owed: OwedRow; loaded: LoadedConversation; message: FoundMessage };

/**
 * A `message` goes to the participants who took part when it was sent. A `message_updated` goes to
 * all participants who can see the message: a participant who joined later reads a shared history
 * from Postgres, but its updates must be sent. A `message` that was changed since carries its
 * current text and still says version 1, because clients must not ignore the updates, each of which
 * has an outbox row of its own.
 */
function toMessageEntry({ owed, loaded, message }: Owed, cipher: ContentCipher): OutboxEntry {
  const { event_id, conversation_id, payload } = owed;
  const { row, reply, reactions } = message;
  const isUpdate = payload !== null && 'version' in payload;
  const recipients = loaded.participants.filter((one) =>
    isUpdate ? canSee(one, row.seq) : one.joined_seq <= row.seq,
  );
  const user_ids = recipients.map(({ user_id }) => user_id);
  const { version } = loaded.conversation;
  const address = { event_id, conversation_id, version, user_ids };
  if (isUpdate) {
    const update = toMessageUpdate({ row, reactions, recorded: payload }, cipher);
    return { ...address, kind: 'message_updated', update, changed_at: payload.changed_at };
  }
  const record = { ...toMessageRecord(row, cipher, reply), version: 1 };
  const entry: OutboxEntry = { ...address, kind: 'message', message: record };
  const withoutPreview = recipients.filter((one) => !canSee(one, row.reply_to_seq));
  if (reply !== undefined) entry.without_preview = withoutPreview.map(({ user_id }) => user_id);
  return entry;
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
): OutboxEntry {
  const { change, user_ids: onlyThese, left } = payload;
  const records: Record<UserId, ConversationRecord> = {};
  for (const userId of onlyThese ?? loaded.participants.map(({ user_id }) => user_id)) {
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
