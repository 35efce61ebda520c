import type { Budget } from '../../../shared/concurrency/budget.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { HttpAnswer, HttpCall } from '../rest/http-call.ts';
import { HeldBody } from './held-body.ts';
import { refuseAtOnce, refuseHead, writeAnswer } from './http-answer.ts';
import { bodyLengthOf, type Head, headProblem, readHead } from './http-head.ts';
import type { HttpRequest, HttpResponse } from './uws-library.ts';

export type HttpHandlers = {
  http(call: HttpCall): Promise<HttpAnswer>;
  /** Answers a call whose head is bad for this reason. */
  refuse(call: HttpCall, problem: string): HttpAnswer;
  /** Tells whether connections end with the answer to their request. */
  isCrowded(): boolean;
};

/** Each answer ends its connection where `areLast`. Beyond `bodies`, a call is refused 503. */
export type Calls = { inFlight: number; areLast: boolean; bodies: Budget };
type Request = { res: HttpResponse; req: HttpRequest; calls: Calls };

/**
 * A body must be there this long after its head, or the request is answered 408. The library itself
 * closes such a connection without an answer, 8 s after the head or later.
 */
const BODY_WAIT_MS = 7_000;
/** The server does not even read a body that is larger than this to its end. */
const BODY_CUT_BYTES = 1024 * 1024;

/**
 * Serves one request, from its head to its answer. The library cuts a connection on which a request
 * comes while another is not answered, so these rules hold:
 *
 * - Once a request is whole, nothing more is read before it is answered. What a client sends
 *   meanwhile waits in the kernel, and is answered in its turn.
 * - A request is carried out only after the library has gone through all that it has read. So if
 *   that holds another request, or bytes that are none, the connection ends and nothing was done.
 * - A chunked body may have trailers, which the library takes for another request. So the
 *   connection ends with the answer.
 */
export function serveHttp({ res, req, calls }: Request, handlers: HttpHandlers): void {
  const head = readHead(req);
  const call = callOf(head);
  const isHead = head.method === 'HEAD';
  const problem = headProblem(head);
  if (problem !== undefined) {
    const refuse = isHead ? refuseHead : refuseAtOnce;
    refuse(res, handlers.refuse(call, problem));
    return;
  }
  const bytes = bodyLengthOf(head);
  const isChunked = bytes === Number.POSITIVE_INFINITY;
  let isOver = false;
  let isCarriedOut = false;
  let waiting: NodeJS.Timeout | undefined;
  const held = new HeldBody(calls.bodies);
  calls.inFlight += 1;
  const end = (): void => {
    isOver = true;
    calls.inFlight -= 1;
    held.release();
  };
  res.onAborted(() => {
    end();
    clearTimeout(waiting);
  });
  const finish = (answer: HttpAnswer, isLast: boolean): void => {
    if (isOver) return;
    end();
    const mustClose = isLast || calls.areLast || handlers.isCrowded();
    if (!mustClose) res.resume();
    res.cork(() => writeAnswer(res, answer, { mustClose, isHead }));
  };
  const carryOut = (body: Buffer | undefined, mustClose: boolean): void => {
    if (isCarriedOut || isOver) return;
    isCarriedOut = true;
    clearTimeout(waiting);
    call.body = body;
    res.pause();
    setImmediate(() => {
      if (!isOver) void handlers.http(call).then((answer) => finish(answer, mustClose));
    });
  };
  if (!isChunked && bytes > BODY_CUT_BYTES) {
    carryOut(undefined, true);
    return;
  }
  const giveUp = (): void => {
    call.isBodyLate = true;
    carryOut(undefined, true);
  };
  if (bytes > 0) waiting = setTimeout(giveUp, BODY_WAIT_MS);
  collect(res, held, (body, isCut) => {
    call.lacksRoom = body === 'no room';
    carryOut(body === 'no room' ? undefined : body, isCut || isChunked);
  });
}

/** A HEAD is carried out as a GET, and its answer lacks the body alone. */
export function callOf({ method, path, query, headers }: Head): HttpCall {
  const header = (name: string): string => headers.get(name) ?? '';
  return {
    method: method === 'HEAD' ? 'GET' : method,
    path,
    query,
    authorization: header('authorization'),
    origin: header('origin'),
    idempotencyKey: header('idempotency-key'),
    traceparent: header('traceparent'),
    ifNoneMatch: header('if-none-match'),
    acceptEncoding: header('accept-encoding'),
    contentEncoding: header('content-encoding'),
    body: undefined,
  };
}

/**
 * Reads the body. A body that is too large is read to its end, so that the answer arrives, unless
 * it is so large that the connection is cut. A body without room is read no further.
 */
function collect(
  res: HttpResponse,
  held: HeldBody,
  done: (body: Buffer | undefined | 'no room', isCut: boolean) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isDone = false;
  res.onData((chunk, isLast) => {
    if (isDone) return;
    bytes += chunk.byteLength;
    const isTooLarge = bytes > LIMITS.agentsBodyBytesMax;
    if (isTooLarge) {
      chunks.length = 0;
    } else if (held.grow(chunk.byteLength)) {
      chunks.push(Buffer.from(Buffer.from(chunk)));
    } else {
      isDone = true;
      chunks.length = 0;
      done('no room', true);
      return;
    }
    const isCut = bytes > BODY_CUT_BYTES;
    if (!isLast && !isCut) return;
    isDone = true;
    done(isTooLarge ? undefined : Buffer.concat(chunks), isCut);
  });
}
