import type { ChatError } from '../errors.ts';
import type { Request } from '../protocol/frames.ts';
import type { MessageType } from '../protocol/shapes.ts';
import type { ShownMessage } from '../timeline/shown-message.ts';

/** An application gives this to send a message. */
export type Draft = {
  conversation_id: string;
  /** 1 to 8000 characters. */
  content: string;
  message_type?: MessageType;
  /** The metadata may have 4 KiB as JSON. */
  metadata?: Record<string, unknown>;
  /** The id of the message that this one replies to. */
  reply_to?: string;
};

/** The outbox keeps a message in this form. */
export type Entry = Draft & {
  client_msg_id: string;
  written_at: string;
  /** The entries of a conversation are sent in this order. */
  place: number;
  /** The message has failed, and the application must decide. */
  error?: { code: string; message: string };
};

/** Returns the frame that sends the entry. */
export function frameOf({
  written_at: _at,
  place: _place,
  error: _error,
  ...draft
}: Entry): Request {
  return { type: 'message', ...draft };
}

/** Returns the message as it is shown before the server has it. */
export function echoOf(entry: Entry, senderId: string): ShownMessage {
  const { written_at: sent_at, place: _place, reply_to: _reply, ...rest } = entry;
  return {
    ...{ message_type: 'text', sender_id: senderId, version: 0, sent_at, reactions: [] },
    ...rest,
    status: entry.error ? 'failed' : 'pending',
  };
}

export function failed(entry: Entry, { code, message }: ChatError): Entry {
  return { ...entry, error: { code, message } };
}

export function withoutError({ error: _error, ...entry }: Entry): Entry {
  return entry;
}

/** Reads an entry that a storage kept. What another version or program wrote is undefined. */
export function readEntry(value: unknown): Entry | undefined {
  const entry = value as Partial<Entry> | null | undefined;
  const isEntry = entry?.client_msg_id && entry.conversation_id && entry.content && entry.place;
  return isEntry ? (entry as Entry) : undefined;
}

/** Returns about how many bytes an entry takes in memory. */
export function sizeOf(entry: Draft): number {
  return 2 * JSON.stringify(entry).length;
}
