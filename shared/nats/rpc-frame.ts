import type { WireError } from '../errors.ts';
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
type AnswerItem = [token: number, answer: Answer];

/**
 * A message goes whole to one instance of who serves: a burst must spread over several. Below NATS'
 * 1 MB also where each character takes three bytes; an item that is longer goes alone.
 */
export const FRAME_ITEMS_MAX = 64;
export const FRAME_CHARS_MAX = 256 * 1024;

/** Tokens of one message are consecutive; where nobody listens the server tells it here. */
export function replySubject(prefix: string, firstToken: number, count: number): string {
  return `${prefix}.${firstToken}-${count}`;
}

/** Where who asked with this reply subject hears all that one service answers. */
export function answersSubject(replyTo: string, service: string): string {
  return replyTo.slice(0, replyTo.lastIndexOf('.') + 1) + service;
}

type Heard = { service: string } | { firstToken: number; count: number };

/** Which of the two it is. */
export function readSubject(subject: string): Heard {
  const last = subject.slice(subject.lastIndexOf('.') + 1);
  const [firstToken, count] = last.split('-');
  if (count === undefined) return { service: last };
  return { firstToken: Number(firstToken), count: Number(count) };
}

/** `router` of `rpc.router.router-1`. */
export function serviceOf(subject: string): string {
  return subject.split('.', 2)[1] ?? '';
}

/** Undefined: nothing of ours. What has not its shape is left out. */
export function readRequests(payload: Uint8Array): RequestItem[] | undefined {
  return readItems(payload)?.filter(isRequest);
}

/** Undefined: nothing of ours. What has not its shape is left out. */
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
  const [token, deadlineAt, trace] = item;
  return Number.isSafeInteger(token) && Number.isFinite(deadlineAt) && typeof trace === 'string';
}

function isAnswer(item: unknown): item is AnswerItem {
  if (!Array.isArray(item) || !isObject(item[1])) return false;
  return !('error' in item[1]) || (isObject(item[1].error) && 'code' in item[1].error);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
