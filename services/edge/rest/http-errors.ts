import type { KahaError } from '../../../shared/errors.ts';
import type { HttpAnswer } from './http-call.ts';

export type Header = readonly [string, string];

export const JSON_HEADER: Header = ['Content-Type', 'application/json; charset=utf-8'];

/**
 * Makes the answer for an error. Its body holds the same `error` as an error frame. An answer with
 * 429 or 503 tells in `Retry-After` after how many seconds the client may try again.
 */
export function errorAnswer(error: KahaError, headers: readonly Header[] = []): HttpAnswer {
  const all: Header[] = [JSON_HEADER, ...headers];
  const isPause = error.status === 429 || error.status === 503;
  if (isPause) all.push(['Retry-After', String(Math.max(1, Math.ceil(error.retryAfterS ?? 1)))]);
  if (error.status === 401) all.push(['WWW-Authenticate', 'Bearer']);
  return { status: error.status, headers: all, body: JSON.stringify({ error: error.toWire() }) };
}
