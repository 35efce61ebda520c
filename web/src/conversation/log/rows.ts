import type { ShownMessage } from '../../../../clients/js/src/index.ts';

/** A row of the log shows one message, with what stands above it. */
export type Row = {
  message: ShownMessage;
  /** The key stays the same when the server acknowledges the message. */
  key: string;
  /** The first message of a day has the day above it. */
  startsDay: boolean;
  /** The first message of a run shows its sender. */
  startsRun: boolean;
  /** The last message of a run shows its time. */
  endsRun: boolean;
  /** The line "new messages" stands above this message. */
  isFirstNew: boolean;
};

type Slice = {
  messages: readonly ShownMessage[];
  first: number;
  end: number;
  /** The line "new messages" stands above the message with this `seq`. */
  newSeq: number | undefined;
};

/** One sender's messages stand together while no more than this lies between two of them. */
const RUN_PAUSE_MS = 5 * 60_000;

/** Makes the rows of the messages from `first` to before `end`. */
export function rowsOf({ messages, first, end, newSeq }: Slice): Row[] {
  return messages.slice(first, end).map((message, offset) => {
    const before = messages[first + offset - 1];
    const after = messages[first + offset + 1];
    const isFirstNew = newSeq !== undefined && message.seq === newSeq;
    return {
      message,
      key: keyOf(message),
      startsDay: dayOf(before?.sent_at) !== dayOf(message.sent_at),
      startsRun: isFirstNew || !isSameRun(before, message),
      endsRun: !isSameRun(message, after) || (newSeq !== undefined && after?.seq === newSeq),
      isFirstNew,
    };
  });
}

type Known = {
  messages: readonly ShownMessage[];
  /** There are older messages, which are not loaded. */
  hasOlder: boolean;
  readSeq: number;
  userId: string;
};

/**
 * Returns the first message of others that is not read. There is none while older messages that may
 * be new as well are not loaded. The search begins at the newest message, because few are new.
 */
export function firstNewSeq({ messages, hasOlder, readSeq, userId }: Known): number | undefined {
  let found: number | undefined;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const { seq, sender_id: senderId } = messages[index] as ShownMessage;
    if (seq === undefined) continue;
    if (seq <= readSeq) return found;
    if (senderId !== userId) found = seq;
  }
  return hasOlder ? undefined : found;
}

/** Counts the messages of others above a `seq`, from the newest back. */
export function countNewer(messages: readonly ShownMessage[], seq: number, userId: string): number {
  let count = 0;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index] as ShownMessage;
    if (message.seq === undefined) continue;
    if (message.seq <= seq) break;
    if (message.sender_id !== userId) count += 1;
  }
  return count;
}

/** One's own message is known by the id that its client gave it, before it has another one. */
export function keyOf({ sender_id, client_msg_id, message_id }: ShownMessage): string {
  return client_msg_id === undefined ? `${message_id}` : `${sender_id}/${client_msg_id}`;
}

/** Returns the local calendar day of a time, as `2026-11-21`. */
export function dayOf(time: string | undefined): string {
  if (time === undefined) return '';
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

function isSameRun(one: ShownMessage | undefined, next: ShownMessage | undefined): boolean {
  if (!one || !next || one.sender_id !== next.sender_id) return false;
  if (one.message_type === 'system' || next.message_type === 'system') return false;
  const pauseMs = Date.parse(next.sent_at) - Date.parse(one.sent_at);
  return pauseMs <= RUN_PAUSE_MS && dayOf(one.sent_at) === dayOf(next.sent_at);
}
