import { KahaError } from '../../../shared/errors.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { type HandlerParts, malformed } from '../api/operation.ts';
import type { Assets } from '../assets/assets.ts';
import type { Documents } from '../documents/documents.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import { REQUEST_TIMEOUT_MS } from '../routers/router-client.ts';
import { isOriginAllowed } from '../server/origin.ts';
import { WEBSOCKET_PATHS } from '../server/uws-server.ts';
import type { HttpAnswer, HttpCall } from './http-call.ts';
import { CallerCheck, type HttpCallers } from './http-caller.ts';
import { errorAnswer, JSON_HEADER } from './http-errors.ts';
import { requestOf } from './route-request.ts';
import { matchRoute, ROUTES, type Route } from './routes.ts';

type Deps = HttpCallers & {
  parts: HandlerParts;
  documents: Documents;
  assets: Assets;
  /** Returns the error with which an upgrade would be refused for want of room. */
  lack: () => KahaError | undefined;
  allowedOrigins: readonly string[];
  metrics: EdgeMetrics;
  logger: Logger;
};

type Header = readonly [string, string];

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const METHODS = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
const PREFLIGHT: readonly Header[] = [
  ['Access-Control-Allow-Methods', METHODS],
  ['Access-Control-Allow-Headers', 'Authorization, Content-Type, Idempotency-Key, Traceparent'],
  ['Access-Control-Max-Age', '600'],
];
const VARY: Header = ['Vary', 'Origin'];
const OK = 200;
const NO_CONTENT = 204;
const REQUEST_TIMEOUT = 408;
const UNSUPPORTED_MEDIA_TYPE = 415;
const UNCODED = ['', 'identity'];

/**
 * This is the door for REST calls. It finds the route, checks the caller and the rate, reads
 * the request, and calls the operation's handler. A call that fails one of these steps is answered
 * with the protocol's error. Every answer to an allowed Origin has the CORS headers. Another Origin
 * gets none of them, so the browser keeps the answer from that Origin's page.
 */
export class HttpApi {
  readonly #deps: Deps;
  readonly #callers: CallerCheck;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#callers = new CallerCheck(deps);
  }

  async answer(call: HttpCall): Promise<HttpAnswer> {
    try {
      return this.#told(call, await this.#carryOut(call));
    } catch (thrown) {
      const error = KahaError.from(thrown);
      const { logger } = this.#deps;
      if (error.code === 'INTERNAL') logger.error({ err: thrown, path: call.path }, 'call failed');
      return this.#failed(call, error);
    }
  }

  /** Answers a call that is not read any further than its head. */
  refuse(call: HttpCall, problem: string): HttpAnswer {
    return this.#failed(call, new KahaError('INVALID_REQUEST', problem));
  }

  #failed(call: HttpCall, error: KahaError): HttpAnswer {
    this.#deps.metrics.errors.add(error.code);
    return this.#told(call, errorAnswer(error));
  }

  #told(call: HttpCall, answer: HttpAnswer): HttpAnswer {
    this.#deps.metrics.httpAnswers.add(String(answer.status));
    return { ...answer, headers: [...answer.headers, ...this.#corsHeaders(call)] };
  }

  async #carryOut(call: HttpCall): Promise<HttpAnswer> {
    const deadlineAt = steadyMs() + REQUEST_TIMEOUT_MS;
    const problem = callProblem(call);
    if (problem !== undefined) throw problem;
    if (call.method === 'OPTIONS') return { status: NO_CONTENT, headers: PREFLIGHT, body: '' };
    const { documents, assets } = this.#deps;
    const shelf = [documents, assets].find((one) => one.has(call.path));
    if (shelf) return call.method === 'GET' ? shelf.answer(call) : wrongMethod(['GET']);
    const match = this.#match(call);
    if (match.kind === 'wrong method') return wrongMethod(match.allowed);
    if (match.kind === 'unknown path') throw new KahaError('NOT_FOUND', 'There is no such path');
    if (match.kind === 'malformed path') {
      throw new KahaError('INVALID_REQUEST', 'The path holds a malformed escape');
    }
    const { route, params } = match;
    const { operation } = route;
    const { userId, isService, service, issuedAt } = await this.#callers.admit(call, operation);
    const request = requestOf(route, call, params);
    const trace = TRACEPARENT.test(call.traceparent) ? call.traceparent : undefined;
    const who = { userId, isService, service, issuedAt, session: undefined, id: undefined };
    const caller = { ...who, trace, deadlineAt };
    return resultAnswer(route, await operation.handle(request, caller, this.#deps.parts));
  }

  #match({ method, path }: HttpCall) {
    if (!WEBSOCKET_PATHS.includes(path)) return matchRoute(ROUTES, method, path);
    if (method !== 'GET') return { kind: 'wrong method', allowed: ['GET'] } as const;
    const upgrades = new KahaError('INVALID_REQUEST', 'This path is for WebSocket upgrades');
    throw this.#deps.lack() ?? upgrades;
  }

  #corsHeaders({ origin }: HttpCall): readonly Header[] {
    if (origin === '' || !isOriginAllowed(origin, this.#deps.allowedOrigins)) return [VARY];
    return [
      VARY,
      ['Access-Control-Allow-Origin', origin],
      ['Access-Control-Expose-Headers', 'Retry-After'],
    ];
  }
}

/** Returns the error of a call that is wrong whatever it asks for. */
function callProblem(call: HttpCall): KahaError | undefined {
  if (call.isBodyLate === true) {
    const status = REQUEST_TIMEOUT;
    return new KahaError('INVALID_REQUEST', 'The body did not come in time', { status });
  }
  if (call.lacksRoom) return new KahaError('MESSAGING_UNAVAILABLE', 'Too many bodies at once');
  if (Buffer.byteLength(call.query) > LIMITS.queryBytesMax) {
    return malformed([`the query must not have more than ${LIMITS.queryBytesMax} bytes`]);
  }
  const hasBody = call.body === undefined || call.body.length > 0;
  if (hasBody && !UNCODED.includes(call.contentEncoding.toLowerCase())) {
    const status = UNSUPPORTED_MEDIA_TYPE;
    return new KahaError('INVALID_REQUEST', 'A body has no Content-Encoding', { status });
  }
  return undefined;
}

function wrongMethod(allowed: readonly string[]): HttpAnswer {
  const message = 'This path does not know the method';
  const error = new KahaError('INVALID_REQUEST', message, { status: 405 });
  return errorAnswer(error, [['Allow', [...allowed, 'OPTIONS'].join(', ')]]);
}

function resultAnswer({ operation, door }: Route, result: unknown): HttpAnswer {
  if (operation.answer === null) return { status: NO_CONTENT, headers: [], body: '' };
  const status = door.status?.(result) ?? OK;
  return { status, headers: [JSON_HEADER], body: JSON.stringify(operation.show(result)) };
}
