import type { DurableEventKind } from '../../../shared/contracts/events.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type {
  DurableEvents,
  EventRow,
  Found,
  FoundMessage,
} from '../../../shared/durable-events/durable-event.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import type { LoadedConversation } from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';

/** The fan-out of the event is owed, or was if the row is of the log. */
export type OwedRow = { kind: DurableEventKind } & EventRow;

/**
 * Makes the entry of a row, as its kind says. The result is undefined if the message of the row is
 * gone. A row that cannot be read throws: its kind is unknown, its payload is malformed, or it
 * names no message although its kind tells of one.
 */
export function toEntry(
  row: OwedRow,
  found: Found,
  events: DurableEvents,
): (OutboxEntry & { at: string }) | undefined {
  const { event_id, conversation_id, kind, seq, payload } = row;
  const event = events[kind];
  if (event === undefined) throw new Error('a kind of durable event that is not in the table');
  if (!event.payload.check(payload)) throw new Error('a payload that does not fit its kind');
  if (event.of === 'message' && seq === null) throw new Error('a row that names no message');
  const given = event.load(row, found);
  if (given === undefined) return undefined;
  const { version } = found.participants;
  // The table has made the rest of the entry according to its kind.
  return { version, ...given, event_id, conversation_id, kind } as OutboxEntry & { at: string };
}

/** Tells what is known about the conversation of a row. */
export function foundIn(
  loaded: LoadedConversation,
  cipher: ContentCipher,
  message: FoundMessage | undefined,
): Found {
  const options = { cipher, nowMs: Date.now() };
  return {
    participants: toParticipants(loaded),
    message,
    recordFor: (userId) => toConversationRecord(loaded, userId, options),
  };
}
