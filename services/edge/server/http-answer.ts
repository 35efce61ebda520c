import type { HttpAnswer } from '../rest/http-call.ts';
import type { HttpResponse } from './uws-library.ts';

type Options = {
  /** The connection ends with this answer, and what the client still sends is not read. */
  mustClose?: boolean;
  /** A HEAD gets the length of the body, and not the body. */
  isHead?: boolean;
};

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
/** An answer with one of these statuses has no body, and so no `Content-Length`. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
/**
 * The library keeps what is written in a handler until the handler is through, or until there are
 * 16 KiB of it.
 */
const HELD_BACK_BYTES = 16 * 1024;

/** Writes an answer. It must be called within a handler of the library, or corked. */
export function writeAnswer(
  res: HttpResponse,
  answer: HttpAnswer,
  { mustClose = false, isHead = false }: Options = {},
): void {
  res.writeStatus(`${answer.status} ${REASONS[answer.status] ?? ''}`);
  for (const [name, value] of answer.headers) res.writeHeader(name, value);
  const isBodiless = isHead || BODILESS.has(answer.status);
  // Only `end` closes the connection, and it always tells a length.
  if (!isBodiless || mustClose) {
    res.end(isBodiless ? '' : answer.body, mustClose);
    return;
  }
  // Where `endWithoutBody` itself tells the length, the library takes the request for unanswered,
  // and cuts the connection at the next one.
  if (isHead) res.writeHeader('Content-Length', String(Buffer.byteLength(answer.body)));
  res.endWithoutBody();
}

/**
 * Answers within the handler of a request, and closes the connection before the library reads
 * anything behind the head. Otherwise the library would carry on after the handler, take what
 * follows for another request, and forget that the connection is to be closed. Blanks behind the
 * JSON make the library send the answer and close the connection at once.
 */
export function refuseAtOnce(res: HttpResponse, answer: HttpAnswer): void {
  const body = `${answer.body}${' '.repeat(HELD_BACK_BYTES)}`;
  writeAnswer(res, { ...answer, body }, { mustClose: true });
}

/**
 * Answers a HEAD, whose answer has no body to put blanks into, in the next turn of the event loop.
 * The library has then gone through what follows the head, and has closed the connection if that
 * was another request. Nothing more is read meanwhile.
 */
export function refuseHead(res: HttpResponse, answer: HttpAnswer): void {
  let isAborted = false;
  res.onAborted(() => {
    isAborted = true;
  });
  res.pause();
  setImmediate(() => {
    if (isAborted) return;
    res.cork(() => writeAnswer(res, answer, { mustClose: true, isHead: true }));
  });
}
