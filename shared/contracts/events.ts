import type { Static } from 'typebox';
import type { DURABLE_EVENTS } from '../durable-events/durable-events.ts';
import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { serverFrames } from '../protocol/server-frames.ts';

export type DurableEventKind = keyof typeof DURABLE_EVENTS;

/**
 * A durable event travels on `queue.<shard>.<user>.<device>`, and in offers, as one header line and
 * the event's JSON without `q`. An edge reads the line and splices `q` into the JSON. It parses the
 * JSON only of nameless events.
 *
 *     message <event_id> <conversation_id> <seq> <sender_id>[ nameless]\n{"type":"message",…}
 *
 */
export type DurableEventHeader = {
  kind: DurableEventKind;
  /** An event has the same id in every queue, offer and repeat. */
  eventId: EventId;
  conversationId: ConversationId;
  /** An event without a `seq` has 0 here. */
  seq: number;
  senderId: UserId | undefined;
  /** The body of a nameless event holds ids alone, and an edge puts names in before it shows it. */
  isNameless: boolean;
};

const NEWLINE = 0x0a;
const NO_SENDER = '-';
const NAMELESS = 'nameless';
const UUID_BYTES = 36;
/** The longest line has a kind (32), three UUIDs, a seq (16), `nameless` and 5 blanks. */
const HEADER_BYTES_MAX = 32 + 3 * UUID_BYTES + 16 + NAMELESS.length + 5;

const encoder = new TextEncoder();

/** Makes the payload of a durable event. `json` is the whole event and must be an object. */
export function encodeDurableEvent(header: DurableEventHeader, json: string): Uint8Array {
  const { kind, eventId, conversationId, seq, senderId, isNameless } = header;
  const mark = isNameless ? ` ${NAMELESS}` : '';
  const line = `${kind} ${eventId} ${conversationId} ${seq} ${senderId ?? NO_SENDER}${mark}`;
  return encoder.encode(`${line}\n${json}`);
}

/**
 * Splits the payload of a durable event. It returns undefined for any other payload. `body` is a
 * view of the payload, not a copy.
 */
export function decodeDurableEvent(
  payload: Uint8Array,
): { header: DurableEventHeader; body: Uint8Array } | undefined {
  const end = payload.indexOf(NEWLINE);
  if (end <= 0 || end > HEADER_BYTES_MAX) return undefined;
  const line = Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1');
  const [kind, eventId, conversationId, seq, senderId, mark] = line.split(' ');
  if (conversationId === undefined || seq === undefined || senderId === undefined) return undefined;
  const header: DurableEventHeader = {
    kind: kind as DurableEventKind,
    eventId: eventId as EventId,
    conversationId: conversationId as ConversationId,
    seq: Number(seq),
    senderId: senderId === NO_SENDER ? undefined : (senderId as UserId),
    isNameless: mark === NAMELESS,
  };
  return { header, body: payload.subarray(end + 1) };
}

/** Makes the frame that a client gets: the event's JSON with `q` as its first property. */
export function frameWithQ(body: Uint8Array, q: number): Buffer {
  const prefix = `{"q":${q},`;
  const frame = Buffer.allocUnsafe(prefix.length + body.length - 1);
  frame.write(prefix, 0, 'latin1');
  frame.set(body.subarray(1), prefix.length);
  return frame;
}

type LiveEventType = 'receipt' | 'unread' | 'typing' | 'presence' | 'profile_updated';
/** A client gets a live event as it was made, so the schema of the frame is that of the event. */
export type LiveEventOf<Type extends LiveEventType> = Static<(typeof serverFrames)[Type]>;
/** A live event goes to every open socket of a user. */
export type LiveEvent = { [Type in LiveEventType]: LiveEventOf<Type> }[LiveEventType];

const LIVE_TYPE = /^[a-z_]{1,32}$/;

/** `body` is a view of the payload, not a copy. */
export type LiveBytes = { type: string; isNameless: boolean; body: Uint8Array };

/**
 * Makes the payload of a live event, which travels on `user.<user>` (core NATS, best effort) as one
 * line with its type and its JSON. An edge forwards the JSON, and parses it only if it is nameless.
 *
 *     typing[ nameless]\n{"type":"typing",…}
 */
export function encodeLive(event: LiveEvent): string {
  return `${event.type}\n${JSON.stringify(event)}`;
}

/** Makes the payload of a live copy, which brings a durable event the way of live events. */
export function encodeLiveCopy(durable: Uint8Array): Uint8Array | undefined {
  const decoded = decodeDurableEvent(durable);
  if (decoded === undefined) return undefined;
  const { kind, isNameless } = decoded.header;
  const line = encoder.encode(`${kind}${isNameless ? ` ${NAMELESS}` : ''}\n`);
  return Buffer.concat([line, decoded.body]);
}

/** Splits the payload of a live event. It returns undefined for a signal. */
export function decodeLive(payload: Uint8Array): LiveBytes | undefined {
  const end = payload.indexOf(NEWLINE);
  if (end <= 0 || end > HEADER_BYTES_MAX) return undefined;
  const line = Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1');
  const [type, mark] = line.split(' ') as [string, string?];
  if (!LIVE_TYPE.test(type)) return undefined;
  return { type, isNameless: mark === NAMELESS, body: payload.subarray(end + 1) };
}

const MARKER = 'marker ';
const MARKER_ID = /^[0-9a-f-]{36}$/;

/**
 * Makes a marker. A new device queue begins with it, and it stays there until the device was told
 * that the queue is new, got the undelivered messages again, and has acknowledged the end of that
 * replay. So a device whose session ends before is told by its next one. Each queue that is made
 * has a marker with an id of its own:
 *
 *     marker <id>
 *
 */
export function encodeQueueMarker(id: EventId): Uint8Array {
  return encoder.encode(MARKER + id);
}

/** Returns the id of a marker, or undefined for any other payload. */
export function decodeQueueMarker(payload: Uint8Array): EventId | undefined {
  if (payload.length !== MARKER.length + UUID_BYTES) return undefined;
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1');
  const id = text.startsWith(MARKER) ? text.slice(MARKER.length) : '';
  return MARKER_ID.test(id) ? (id as EventId) : undefined;
}

/** A signal tells edges something about a user. It too travels on `user.<user>`, as JSON. */
export type UserSignal =
  /** The device has a newer session. An edge that holds one with a lower epoch closes it 4505. */
  | { kind: 'replaced'; device_id: string; epoch: number; session_id: string }
  /** The device's queue is void. Its edge tells the client `resync` and opens the session anew. */
  | { kind: 'resync'; device_id: string }
  /**
   * The device was signed out. An edge closes its sessions with a lower epoch 4503, also those that
   * are being opened.
   */
  | { kind: 'signed_out'; device_id: string; epoch: number }
  /** Somebody has left a conversation of the user, and no event tells the user of it. */
  | { kind: 'left' };
