import type { ConversationId, UserId } from './ids.ts';

/**
 * What travels on `inbox.<shard>.<user>`: one header line, then the event's JSON without `q`.
 * The edge reads the line only and splices `q` in: it never parses what it forwards.
 *
 *     message <conversation_id> <seq> <sender_id>\n{"type":"message",…}
 */
export type InboxHeader = {
  kind: 'message' | 'message_updated' | 'conversation';
  conversationId: ConversationId;
  /** 0 where the event has none. */
  seq: number;
  senderId: UserId | undefined;
};

const NEWLINE = 0x0a;
const NO_SENDER = '-';
/** kind ≤ 15 + UUID 36 + seq ≤ 16 + UUID 36 + 3 blanks. */
const HEADER_BYTES_MAX = 110;

const encoder = new TextEncoder();

/** The payload of an inbox message. `json` is the whole event, an object. */
export function encodeInbox(header: InboxHeader, json: string): Uint8Array {
  const { kind, conversationId, seq, senderId } = header;
  return encoder.encode(`${kind} ${conversationId} ${seq} ${senderId ?? NO_SENDER}\n${json}`);
}

/** Splits a payload; undefined where it is not ours. `body` is a view, not a copy. */
export function decodeInbox(
  payload: Uint8Array,
): { header: InboxHeader; body: Uint8Array } | undefined {
  const end = payload.indexOf(NEWLINE);
  if (end <= 0 || end > HEADER_BYTES_MAX) return undefined;
  const line = Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1');
  const [kind, conversationId, seq, senderId] = line.split(' ');
  if (conversationId === undefined || seq === undefined || senderId === undefined) return undefined;
  const header: InboxHeader = {
    kind: kind as InboxHeader['kind'],
    conversationId: conversationId as ConversationId,
    seq: Number(seq),
    senderId: senderId === NO_SENDER ? undefined : (senderId as UserId),
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

/**
 * A live event on `user.<user>` (core, best effort): its type, a newline, its JSON. The edge
 * forwards the bytes and never parses them.
 */
export function encodeLive(event: LiveEvent): string {
  return `${event.type}\n${JSON.stringify(event)}`;
}

/** Splits a live event; undefined where the payload is a signal. `body` is a view, not a copy. */
export function decodeLive(payload: Uint8Array): { type: string; body: Uint8Array } | undefined {
  const end = payload.indexOf(NEWLINE);
  if (end <= 0 || end > HEADER_BYTES_MAX) return undefined;
  const type = Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1');
  return LIVE_TYPE.test(type) ? { type, body: payload.subarray(end + 1) } : undefined;
}

/** What else travels on `user.<user>`, as JSON. */
export type UserSignal =
  /** A newer session of the device: whoever holds one with a lower epoch closes it 4505. */
  | { kind: 'replaced'; device_id: string; epoch: number; session_id: string }
  /** The device's queue is void: tell it `resync`, open anew. */
  | { kind: 'resync'; device_id: string };
