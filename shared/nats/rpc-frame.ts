import type { WireError } from '../errors.ts';
import { parseJson } from './parse-json.ts';

/**
 * Messages on `rpc.>` are JSON. One message carries several requests of one caller; another carries
 * several answers to one caller, whose requests may have come in different messages.
 *
 *     request  [[token, left, traceparent, body, size], …]  the caller waits for `left` ms more
 *     answers  [[token, {"data":…} | {"error":…}], …]       in any order
 *
 * The caller, who has just made the JSON of the body, says how many bytes the body takes in memory.
 * A caller of the version before says nothing.
 *
 * A request carries the time that is left, because the clocks of hosts differ. The time that its
 * message spends on the way does not count, but for what `Transit` knows of it: half a second may
 * be missing. So some requests are carried out although their callers have just stopped waiting.
 * The callers were told TIMEOUT or MESSAGING_UNAVAILABLE, which say that the request may have been
 * carried out, and a send that is tried again has its key.
 */
export type RequestItem = [
  token: number,
  leftMs: number,
  traceparent: string,
  body: unknown,
  bytes?: number,
];
export type Answer = { data: unknown } | { error: WireError };
type AnswerItem = [token: number, answer: Answer];

/**
 * A frame holds at most this many requests. A whole frame goes to one instance of the service, so
 * the bound spreads a burst over several instances.
 */
export const FRAME_ITEMS_MAX = 64;
/**
 * A frame holds at most this many characters, so it stays below NATS' 1 MiB even if each character
 * takes three bytes. A longer item goes in a frame of its own.
 */
export const FRAME_CHARS_MAX = 256 * 1024;

/**
 * The reply subject of a frame names its requests, whose tokens are consecutive. If nobody listens
 * on the frame's subject, NATS says so on this reply subject.
 */
export function replySubject(prefix: string, firstToken: number, count: number): string {
  return `${prefix}.${firstToken}-${count}`;
}

/** Returns how many bytes a text takes in memory at most. It has two for each UTF-16 code unit. */
export function memoryOf(text: string): number {
  return 2 * text.length;
}

/** Makes the subject on which the caller of `replyTo` hears all answers of one service. */
export function answersSubject(replyTo: string, service: string): string {
  return replyTo.slice(0, replyTo.lastIndexOf('.') + 1) + service;
}

type Heard = { service: string } | { firstToken: number; count: number };

/** Tells a subject of answers from the reply subject of a frame. */
export function readSubject(subject: string): Heard {
  const last = subject.slice(subject.lastIndexOf('.') + 1);
  const [firstToken, count] = last.split('-');
  if (count === undefined) return { service: last };
  return { firstToken: Number(firstToken), count: Number(count) };
}

/** Reads the service from a request's subject: `router` from `rpc.router.router-1`. */
export function serviceOf(subject: string): string {
  return subject.split('.', 2)[1] ?? '';
}

/** Reads the well-formed requests of a payload; undefined if the payload is no JSON array. */
export function readRequests(payload: Uint8Array): RequestItem[] | undefined {
  return readItems(payload)?.filter(isRequest);
}

/** Reads the well-formed answers of a payload; undefined if the payload is no JSON array. */
export function readAnswers(payload: Uint8Array): AnswerItem[] | undefined {
  return readItems(payload)?.filter(isAnswer);
}

function readItems(payload: Uint8Array): unknown[] | undefined {
  try {
    const items = parseJson(payload);
    return Array.isArray(items) ? items : undefined;
  } catch {
    return undefined;
  }
}

function isRequest(item: unknown): item is RequestItem {
  if (!Array.isArray(item)) return false;
  const [token, leftMs, trace, , bytes = 0] = item;
  if (!Number.isSafeInteger(bytes) || bytes < 0) return false;
  return Number.isSafeInteger(token) && Number.isFinite(leftMs) && typeof trace === 'string';
}

function isAnswer(item: unknown): item is AnswerItem {
  if (!Array.isArray(item) || !isObject(item[1])) return false;
  return !('error' in item[1]) || (isObject(item[1].error) && 'code' in item[1].error);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
