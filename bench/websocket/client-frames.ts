/**
 * The frames of a client are latin1 strings, because Node writes those without a Buffer in between.
 * The masking key is 0, so the payload stands as it is. A server cannot tell and does the same
 * work. This works only for payloads in latin1.
 */
const TEXT = '\x81';
const CLOSE = '\x88';
const PONG = '\x8a';
const KEY = '\0\0\0\0';
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_16_MAX = 0xffff;

export const PING_FRAME = textFrame('{"type":"ping"}');

/** Makes a text frame with a payload of at most 65 535 bytes. */
export function textFrame(payload: string): string {
  return TEXT + lengthOf(payload) + KEY + payload;
}

export function ackFrame(q: number): string {
  return textFrame(`{"type":"ack","q":${q}}`);
}

export function closeFrame(code: number): string {
  const payload = String.fromCharCode(code >> 8, code & 0xff);
  return CLOSE + lengthOf(payload) + KEY + payload;
}

export function pongFrame(payload: string): string {
  return PONG + lengthOf(payload) + KEY + payload;
}

function lengthOf({ length }: string): string {
  if (length < LENGTH_16) return String.fromCharCode(MASKED | length);
  if (length > LENGTH_16_MAX) throw new RangeError(`a frame of ${length} bytes`);
  return String.fromCharCode(MASKED | LENGTH_16, length >> 8, length & 0xff);
}
