import type { Kysely } from 'kysely';
import type { OutboxEntry, OutboxEntryOf } from '../../../shared/contracts/outbox.ts';
import type {
  DurableEvents,
  EventRow,
  FoundMessage,
} from '../../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import type { EventId, MessageId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database, OutboxPayloads } from '../database/schema.ts';
import { toMessageUpdate } from '../messages/message-update.ts';
import type { LoadedConversation } from '../records/conversation-rows.ts';
import { lastMessagesOf, loadConversations } from '../records/conversation-rows.ts';
import { type Place, selectByPlace } from '../records/message-places.ts';
import { type MessageRow, toMessageRecord, toReplyPreview } from '../records/message-row.ts';
import { loadReactions } from '../records/reactions.ts';
import { selectReplied } from '../records/reply-previews.ts';
import { foundIn, type OwedRow, toEntry } from './to-entry.ts';

type Deps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  events?: DurableEvents | undefined;
};
export type Loaded = {
  entries: OutboxEntry[];
  /** The message or conversation of these rows is gone. */
  gone: EventId[];
  unreadable: EventId[];
};

/**
 * This loader turns claimed rows into the events that a router fans out, as the kind of each row
 * says. A row whose message or conversation no longer exists owes nothing: its id is returned in
 * `gone`. A row that cannot be read costs only itself, and its id is returned in `unreadable`:
 * `toEntry` throws on it, or something that it shows cannot be decrypted.
 */
export async function loadOutboxEntries(
  { db, ciphers, events = DURABLE_EVENTS }: Deps,
  rows: readonly OwedRow[],
): Promise<Loaded> {
  const ids = [...new Set(rows.map(({ conversation_id }) => conversation_id))];
  const loadedAll = await loadConversations(db, ids);
  const conversations = new Map(loadedAll.map((one) => [one.conversation.conversation_id, one]));
  const isShown = ({ conversation_id, seq }: Place): boolean =>
    seq >= (conversations.get(conversation_id)?.conversation.first_seq ?? 1);
  const messages = await findMessages({ db, ciphers }, rows, isShown);
  const cipher = await ciphers.open(lastMessagesOf(loadedAll));
  const result: Loaded = { entries: [], gone: [], unreadable: [] };
  for (const row of rows) {
    const loaded = conversations.get(row.conversation_id);
    const message = row.seq === null ? undefined : messages.get(keyOf({ ...row, seq: row.seq }));
    try {
      const entry = loaded && toEntry(row, foundIn(loaded, cipher, message), events);
      if (entry === undefined) result.gone.push(row.event_id);
      else result.entries.push(entry);
    } catch {
      result.unreadable.push(row.event_id);
    }
  }
  return result;
}

/** The change of a conversation that is being committed owes this entry. */
export function toConversationEntry(
  loaded: LoadedConversation,
  row: EventRow<OutboxPayloads['conversation']>,
  cipher: ContentCipher,
): OutboxEntryOf<'conversation'> {
  const { conversation_id, event_id } = row;
  const found = foundIn(loaded, cipher, undefined);
  const { version } = found.participants;
  const given = DURABLE_EVENTS.conversation.load(row, found);
  return { version, ...given, event_id, conversation_id, kind: 'conversation' };
}

/**
 * The map holds each message by its place. A message is decrypted only when an entry shows it, so
 * one that cannot be decrypted costs no other its entry. Messages that are too old to be shown are
 * not found.
 */
async function findMessages(
  { db, ciphers }: Deps,
  rows: readonly OwedRow[],
  isShown: (place: Place) => boolean,
): Promise<Map<string, FoundMessage>> {
  const places = rows.flatMap(({ conversation_id, seq }) =>
    seq === null ? [] : { conversation_id, seq },
  );
  if (places.length === 0) return new Map();
  const found = (await selectByPlace(db, places).execute()).filter(isShown);
  const [replied, reactions] = await Promise.all([
    selectReplied(db, found),
    loadReactions(db, found),
  ]);
  const cipher = await ciphers.open([...found, ...replied.values()]);
  const previewIn = (row: MessageRow) => {
    const shown = row.reply_to === null ? undefined : replied.get(row.reply_to);
    return shown && isShown(shown) ? toReplyPreview(shown, cipher) : undefined;
  };
  const reactionsTo = (id: MessageId) => reactions.get(id) ?? [];
  return new Map(
    found.map((row) => [
      keyOf(row),
      {
        seq: row.seq,
        repliedSeq: row.reply_to_seq,
        record: () => toMessageRecord(row, cipher.decrypt, previewIn(row)),
        update: (recorded) =>
          toMessageUpdate({ row, reactions: reactionsTo(row.message_id), recorded }, cipher),
      },
    ]),
  );
}

function keyOf({ conversation_id, seq }: Place): string {
  return `${conversation_id}/${seq}`;
}
