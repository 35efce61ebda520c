import type { WireError } from './errors.ts';
import { parseJson } from './parse-json.ts';

/**
 * What goes over `rpc.>`: JSON, several requests of one caller in a message, and several answers to
 * one caller, whichever messages they were asked in.
 *
 *     request  [[token, deadline, traceparent, body], …]        deadline in epoch ms
 *     answers  [[token, {"data":…} | {"error":…}], …]           in any order
 */
export type RequestItem = [token: number, deadlineAt: number, traceparent: string, body: unknown];
export type Answer = { data: unknown } | { error: WireError };
export type AnswerItem = [token: number, answer: Answer];

/** Below NATS' 1 MB also where each takes three bytes; an item that is longer goes alone. */
export const FRAME_CHARS_MAX = 256 * 1024;

const ANSWERS = 'answers';

/** Tokens of one message are consecutive; where nobody listens the server tells it here. */
export function replySubject(prefix: string, firstToken: number, count: number): string {
  return `${prefix}.${firstToken}-${count}`;
}

/** Where the caller with this reply subject hears all answers. */
export function answersSubject(replyTo: string): string {
  return replyTo.slice(0, replyTo.lastIndexOf('.') + 1) + ANSWERS;
}

/** Undefined for the subject of the answers. */
export function readReplySubject(subject: string): { first: number; count: number } | undefined {
  const [first, count] = subject.slice(subject.lastIndexOf('.') + 1).split('-');
  return count === undefined ? undefined : { first: Number(first), count: Number(count) };
}

/** Undefined: nothing of ours. */
export function readRequests(payload: Uint8Array): RequestItem[] | undefined {
  return readItems(payload) as RequestItem[] | undefined;
}

/** Undefined: nothing of ours. */
export function readAnswers(payload: Uint8Array): AnswerItem[] | undefined {
  return readItems(payload) as AnswerItem[] | undefined;
}

function readItems(payload: Uint8Array): unknown[][] | undefined {
  try {
    const items = parseJson(payload);
    return Array.isArray(items) && items.every(Array.isArray) ? items : undefined;
  } catch {
    return undefined;
  }
}
