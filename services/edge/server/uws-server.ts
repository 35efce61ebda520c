import type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { HttpAnswer, HttpCall } from '../rest/http-call.ts';
import { BUFFERED_BYTES_MAX } from '../session/hub.ts';
import type { Session, Socket } from '../session/session.ts';

export const WEBSOCKET_PATHS: readonly string[] = ['/ws', '/api/chat/ws'];

/** The server hands over an upgrade request like this; a header that is not there is empty. */
export type UpgradeCall = {
  origin: string;
  subprotocols: string;
  authorization: string;
  /** An empty device id is malformed; it is undefined where the header is not there. */
  deviceId: string | undefined;
};
export type UpgradeAnswer =
  | { isAccepted: true; session: Session; subprotocol: string | undefined }
  | { isAccepted: false; answer: HttpAnswer };

export type Handlers = {
  /** A connection was accepted. Where the handler returns false, the server cuts it. */
  connected(): boolean;
  /** A connection is gone, whether it was upgraded or not. */
  disconnected(): void;
  /** Tells whether connections end with the answer to their request. */
  isCrowded(): boolean;
  upgrade(call: UpgradeCall): UpgradeAnswer | Promise<UpgradeAnswer>;
  opened(session: Session): void;
  /** The bytes are valid only until the call returns. */
  received(session: Session, bytes: ArrayBuffer, isBinary: boolean): void;
  closed(session: Session, code: number): void;
  http(call: HttpCall): Promise<HttpAnswer>;
};

type Server = {
  port: number;
  /** Counts the HTTP requests that have begun, and wait for their answers. */
  readonly callsInFlight: number;
  /**
   * Refuses new connections. Open ones stay, but an HTTP connection ends with its next answer, so
   * that a proxy sends no further request on it.
   */
  stopAccepting(): void;
  close(): void;
};

/** The port belongs to one process. Otherwise two processes could share it without knowing. */
const EXCLUSIVE_PORT = 1;
/**
 * The library drops frames above this limit. A slow reader is closed before, so this leaves room
 * for one large answer.
 */
const BACKPRESSURE_BYTES_MAX = BUFFERED_BYTES_MAX + 2 * 1024 * 1024;
/**
 * The library's idle timeout lies far above the edge's own 30 s. From 32 s on, the library gives a
 * closed socket 16 s to take the bytes that wait, with the close frame at their end. Below 32 s, it
 * cuts a socket that reads nothing after 4 s.
 */
const IDLE_S = 120;
/**
 * A head that comes in pieces may have so many bytes: a token of 8 KiB, the cookies of a browser,
 * and room for the headers that proxies add. The library answers 431 to a longer one.
 */
const HEAD_BYTES_MAX = 20 * 1024;
const DEVICE_HEADER = 'x-device-id';
/**
 * A body of which nothing comes for this long is answered 408. The library itself closes such a
 * connection without an answer, 8 s after its last byte or later.
 */
const BODY_WAIT_MS = 6_000;
/** The server does not even read a body that is larger than this to its end. */
const BODY_CUT_BYTES = 1024 * 1024;

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
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * Starts the server; no other file knows uWebSockets.js. A response is never touched after it was
 * aborted, and all that is written later than in its handler is corked. The library itself cuts
 * invalid UTF-8 and frames above 256 KiB.
 */
export async function startServer(
  address: { host: string; port: number },
  handlers: Handlers,
): Promise<Server> {
  const uWS = loadLibrary();
  const app = uWS.App();
  watchConnections(app, handlers);
  for (const path of WEBSOCKET_PATHS) {
    app.ws<{ session: Session }>(path, {
      compression: uWS.DISABLED,
      maxPayloadLength: LIMITS.frameCutBytes,
      maxBackpressure: BACKPRESSURE_BYTES_MAX,
      idleTimeout: IDLE_S,
      sendPingsAutomatically: false,
      upgrade: (res, req, context) => upgrade({ res, req, context }, handlers),
      open(ws) {
        const { session } = ws.getUserData();
        session.socket = ws as unknown as Socket;
        handlers.opened(session);
      },
      message: (ws, bytes, isBinary) =>
        handlers.received(ws.getUserData().session, bytes, isBinary),
      close(ws, code) {
        handlers.closed(ws.getUserData().session, code);
        handlers.disconnected();
      },
    });
  }
  const calls: Calls = { inFlight: 0, areLast: false };
  app.any('/*', (res, req) => serve({ res, req, calls }, handlers));
  const listening = await listen(app, address);
  const stopAccepting = (): void => {
    if (!calls.areLast) uWS.us_listen_socket_close(listening);
    calls.areLast = true;
  };
  return {
    port: uWS.us_socket_local_port(listening as never),
    get callsInFlight() {
      return calls.inFlight;
    },
    stopAccepting,
    close() {
      stopAccepting();
      app.close();
    },
  };
}

/**
 * The library reads its limit for heads from the environment, once, when it is loaded. So the limit
 * is set here, and nothing may import the library before.
 */
function loadLibrary(): typeof import('uWebSockets.js') {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(HEAD_BYTES_MAX);
  return createRequire(import.meta.url)('uWebSockets.js');
}

/** The library has this overload, which its declared types lack. */
type Listen = (
  host: string,
  port: number,
  options: number,
  done: (socket: us_listen_socket | false) => void,
) => void;

function listen(
  app: object,
  { host, port }: { host: string; port: number },
): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    const start = (app as { listen: Listen }).listen.bind(app);
    start(host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket === false) reject(new Error(`cannot listen on ${host}:${port}`));
      else resolve(socket);
    });
  });
}

/** The library has this method, which its declared types lack. */
type Filter = (watch: (res: HttpResponse, change: number) => void) => void;

/**
 * The library tells of each connection that it accepts, and of each that ends as HTTP. It closes
 * one that has sent no whole head 8 to 12 s after it was accepted, or after its last answer,
 * however many bytes of the head come.
 */
function watchConnections(app: object, handlers: Handlers): void {
  const filter = (app as { filter: Filter }).filter.bind(app);
  filter((res, change) => {
    if (change < 0) handlers.disconnected();
    else if (!handlers.connected()) res.close();
  });
}

type Upgrade = {
  res: HttpResponse;
  req: HttpRequest;
  context: Parameters<HttpResponse['upgrade']>[4];
};

function upgrade({ res, req, context }: Upgrade, handlers: Handlers): void {
  const key = req.getHeader('sec-websocket-key');
  const extensions = req.getHeader('sec-websocket-extensions');
  let isAborted = false;
  const finish = (answer: UpgradeAnswer): void => {
    if (isAborted) return;
    if (!answer.isAccepted) {
      res.cork(() => write(res, answer.answer, { mustClose: handlers.isCrowded() }));
      return;
    }
    // This file never corks an upgrade. In the handler the library does so itself. Later, after a
    // token's key had to be asked for, the library's cork would go on with the socket as HTTP if
    // its memory did not move; by what it finds there, it closes one socket in some hundreds
    // (1006).
    const { session, subprotocol = '' } = answer;
    res.upgrade({ session }, key, subprotocol, extensions, context);
  };
  const answer = handlers.upgrade({
    origin: req.getHeader('origin'),
    subprotocols: req.getHeader('sec-websocket-protocol'),
    authorization: req.getHeader('authorization'),
    deviceId: req.getHeader(DEVICE_HEADER) || emptyHeader(req, DEVICE_HEADER),
  });
  if (answer instanceof Promise) {
    res.onAborted(() => {
      isAborted = true;
    });
    void answer.then(finish);
  } else {
    finish(answer);
  }
}

/** Tells an empty header from a missing one, which `getHeader` does not. */
function emptyHeader(req: HttpRequest, name: string): '' | undefined {
  let found: '' | undefined;
  req.forEach((key) => {
    if (key === name) found = '';
  });
  return found;
}

/** Each answer ends its connection where `areLast`. */
type Calls = { inFlight: number; areLast: boolean };
type Serve = { res: HttpResponse; req: HttpRequest; calls: Calls };

/** A HEAD is carried out as a GET, and its answer lacks the body alone. */
function serve({ res, req, calls }: Serve, handlers: Handlers): void {
  const method = req.getCaseSensitiveMethod().toUpperCase();
  const isBodiless = method === 'HEAD';
  const call: HttpCall = {
    method: isBodiless ? 'GET' : method,
    path: req.getUrl(),
    query: req.getQuery(),
    authorization: req.getHeader('authorization'),
    origin: req.getHeader('origin'),
    idempotencyKey: req.getHeader('idempotency-key'),
    traceparent: req.getHeader('traceparent'),
    ifNoneMatch: req.getHeader('if-none-match'),
    acceptEncoding: req.getHeader('accept-encoding'),
    body: undefined,
  };
  const lengthBytes = Number(req.getHeader('content-length'));
  let isDone = false;
  let isCarriedOut = false;
  let waiting: NodeJS.Timeout | undefined;
  calls.inFlight += 1;
  const end = (): boolean => {
    if (isDone) return false;
    isDone = true;
    calls.inFlight -= 1;
    return true;
  };
  res.onAborted(() => {
    end();
    clearTimeout(waiting);
  });
  const finish = (answer: HttpAnswer, mustClose: boolean): void => {
    const isLast = mustClose || calls.areLast || handlers.isCrowded();
    if (end()) res.cork(() => write(res, answer, { mustClose: isLast, isBodiless }));
  };
  const answer = (body: Buffer | undefined, mustClose = false): void => {
    if (isCarriedOut) return;
    isCarriedOut = true;
    clearTimeout(waiting);
    call.body = body;
    void handlers.http(call).then((result) => finish(result, mustClose));
  };
  if (lengthBytes > BODY_CUT_BYTES) answer(undefined, true);
  else {
    const late = (): void => {
      call.isBodyLate = true;
      answer(undefined, true);
    };
    if (lengthBytes > 0) waiting = setTimeout(late, BODY_WAIT_MS);
    collect(res, answer, () => {
      if (!isCarriedOut) waiting?.refresh();
    });
  }
}

/** Reads the body. A body that is too large is read to its end, so that the answer arrives. */
function collect(
  res: HttpResponse,
  done: (body: Buffer | undefined, mustClose: boolean) => void,
  came: () => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isDone = false;
  res.onData((chunk, isLast) => {
    if (isDone) return;
    came();
    bytes += chunk.byteLength;
    const isTooLarge = bytes > LIMITS.agentsBodyBytesMax;
    if (isTooLarge) chunks.length = 0;
    else chunks.push(Buffer.from(Buffer.from(chunk)));
    const mustClose = bytes > BODY_CUT_BYTES;
    if (!isLast && !mustClose) return;
    isDone = true;
    done(isTooLarge ? undefined : Buffer.concat(chunks), mustClose);
  });
}

function write(
  res: HttpResponse,
  answer: HttpAnswer,
  { mustClose = false, isBodiless = false } = {},
): void {
  res.writeStatus(`${answer.status} ${REASONS[answer.status] ?? ''}`);
  for (const [name, value] of answer.headers) res.writeHeader(name, value);
  if (isBodiless) res.endWithoutBody(Buffer.byteLength(answer.body), mustClose);
  else res.end(answer.body, mustClose);
}
