import type { ConversationId, EventId, UserId } from '../ids.ts';

/**
 * What travels on `inbox.<shard>.<user>`: one header line, then the event's JSON without `q`.
 * The edge reads the line only and splices `q` in: it parses no more than what names people.
 *
 *     message <event_id> <conversation_id> <seq> <sender_id>[ nameless]\n{"type":"message",…}
 */
export type InboxHeader = {
  kind: 'message' | 'message_updated' | 'conversation';
  /** The same on every way and in every repeat. */
  eventId: EventId;
  conversationId: ConversationId;
  /** 0 where the event has none. */
  seq: number;
  senderId: UserId | undefined;
  /** Its body is of ids alone: whoever shows it puts names in first, as edge does. */
  isNameless: boolean;
};

const NEWLINE = 0x0a;
const NO_SENDER = '-';
const NAMELESS = 'nameless';
/** kind ≤ 15 + three UUIDs of 36 + seq ≤ 16 + `nameless` 8 + 5 blanks. */
const HEADER_BYTES_MAX = 152;

const encoder = new TextEncoder();

/** The payload of an inbox message. `json` is the whole event, an object. */
export function encodeInbox(header: InboxHeader, json: string): Uint8Array {
  const { kind, eventId, conversationId, seq, senderId, isNameless } = header;
  const mark = isNameless ? ` ${NAMELESS}` : '';
  const line = `${kind} ${eventId} ${conversationId} ${seq} ${senderId ?? NO_SENDER}${mark}`;
  return encoder.encode(`${line}\n${json}`);
}

/** Splits a payload; undefined where it is not ours. `body` is a view, not a copy. */
export function decodeInbox(
  payload: Uint8Array,
): { header: InboxHeader; body: Uint8Array } | undefined {
  const end = payload.indexOf(NEWLINE);
  if (end <= 0 || end > HEADER_BYTES_MAX) return undefined;
  const line = Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1');
  const [kind, eventId, conversationId, seq, senderId, mark] = line.split(' ');
  if (conversationId === undefined || seq === undefined || senderId === undefined) return undefined;
  const header: InboxHeader = {
    kind: kind as InboxHeader['kind'],
    eventId: eventId as EventId,
    conversationId: conversationId as ConversationId,
    seq: Number(seq),
    senderId: senderId === NO_SENDER ? undefined : (senderId as UserId),
    isNameless: mark === NAMELESS,
  };
  return { header, body: payload.subarray(end + 1) };
}

/** The frame a client gets: the event's JSON with `q` as its first member. */
export function frameWithQ(body: Uint8Array, q: number): Buffer {
  const prefix = `{"q":${q},`;
  const frame = Buffer.allocUnsafe(prefix.length + body.length - 1);
  frame.write(prefix, 0, 'latin1');
  frame.set(body.subarray(1), prefix.length);
  return frame;
}

/** For every socket of a user, live. */
export type LiveEvent = { type: string } & Record<string, unknown>;

const LIVE_TYPE = /^[a-z_]{1,32}$/;

/** `body` is a view, not a copy. */
export type LiveBytes = { type: string; isNameless: boolean; body: Uint8Array };

/**
 * A live event on `user.<user>` (core, best effort): its type, a newline, its JSON. The edge
 * forwards the bytes and parses only what names people.
 *
 *     typing[ nameless]\n{"type":"typing",…}
 */
export function encodeLive(event: LiveEvent, isNameless = false): string {
  return `${event.type}${isNameless ? ` ${NAMELESS}` : ''}\n${JSON.stringify(event)}`;
}

/** Splits a live event; undefined where the payload is a signal. */
export function decodeLive(payload: Uint8Array): LiveBytes | undefined {
  const end = payload.indexOf(NEWLINE);
  if (end <= 0 || end > HEADER_BYTES_MAX) return undefined;
  const line = Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1');
  const [type, mark] = line.split(' ') as [string, string?];
  if (!LIVE_TYPE.test(type)) return undefined;
  return { type, isNameless: mark === NAMELESS, body: payload.subarray(end + 1) };
}

/** What else travels on `user.<user>`, as JSON. */
export type UserSignal =
  /** A newer session of the device: whoever holds one with a lower epoch closes it 4505. */
  | { kind: 'replaced'; device_id: string; epoch: number; session_id: string }
  /** The device's queue is void: tell it `resync`, open anew. */
  | { kind: 'resync'; device_id: string }
  /** The user's queues have an event that not all live devices can know of. */
  | { kind: 'queued' };
