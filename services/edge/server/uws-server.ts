import { Budget } from '../../../shared/concurrency/budget.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { HttpAnswer } from '../rest/http-call.ts';
import { BUFFERED_BYTES_MAX } from '../session/hub.ts';
import type { Session, Socket } from '../session/session.ts';
import { refuseAtOnce, writeAnswer } from './http-answer.ts';
import { type Calls, callOf, type HttpHandlers, serveHttp } from './http-exchange.ts';
import { bodyLengthOf, headProblem, readHead } from './http-head.ts';
import { grantLate } from './late-upgrades.ts';
import {
  type HttpRequest,
  type HttpResponse,
  loadLibrary,
  type us_listen_socket,
} from './uws-library.ts';

export const WEBSOCKET_PATHS: readonly string[] = ['/ws', '/api/chat/ws'];

/** The server hands over an upgrade request like this; a header that is not there is empty. */
export type UpgradeCall = {
  origin: string;
  version: string;
  subprotocols: string;
  authorization: string;
  /** An empty device id is malformed; it is undefined where the header is not there. */
  deviceId: string | undefined;
};
export type UpgradeAnswer =
  | { isAccepted: true; session: Session; subprotocol: string | undefined }
  | { isAccepted: false; answer: HttpAnswer };

export type Handlers = HttpHandlers & {
  /** A connection was accepted. Where the handler returns false, the server cuts it. */
  connected(): boolean;
  /** A connection is gone, whether it was upgraded or not. */
  disconnected(): void;
  upgrade(call: UpgradeCall): UpgradeAnswer | Promise<UpgradeAnswer>;
  opened(session: Session): void;
  /** The bytes are valid only until the call returns. */
  received(session: Session, bytes: ArrayBuffer, isBinary: boolean): void;
  closed(session: Session, code: number): void;
  /** Returns an open socket, whichever it is. */
  anySocket(): Socket | undefined;
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
/** The bodies of all calls may take so many bytes, as they come and until they are answered. */
const BODIES_BYTES_MAX = heapShare(1 / 32, 32 * 1024 ** 2);
const DEVICE_HEADER = 'x-device-id';

/**
 * Starts the server. A response is never touched after it was aborted, and all that is written
 * later than in its handler is corked, except an upgrade. The library itself cuts invalid UTF-8 and
 * frames above 256 KiB.
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
  const bodies = new Budget({ count: Number.POSITIVE_INFINITY, bytes: BODIES_BYTES_MAX });
  const calls: Calls = { inFlight: 0, areLast: false, bodies };
  app.any('/*', (res, req) => serveHttp({ res, req, calls }, handlers));
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
  const head = readHead(req);
  const hasBody = bodyLengthOf(head) > 0;
  const problem = headProblem(head) ?? (hasBody ? 'An upgrade has no body' : undefined);
  if (problem !== undefined) {
    refuseAtOnce(res, handlers.refuse(callOf(head), problem));
    return;
  }
  const header = (name: string): string => head.headers.get(name) ?? '';
  const key = header('sec-websocket-key');
  const extensions = header('sec-websocket-extensions');
  let isAborted = false;
  const finish = (answer: UpgradeAnswer, isLate: boolean): void => {
    if (isAborted) return;
    if (!answer.isAccepted) {
      res.cork(() => writeAnswer(res, answer.answer, { mustClose: handlers.isCrowded() }));
      return;
    }
    const { session, subprotocol = '' } = answer;
    const grant = (): void => {
      res.upgrade({ session }, key, subprotocol, extensions, context);
    };
    const other = isLate ? handlers.anySocket() : undefined;
    if (other === undefined) grant();
    else grantLate(res, other, grant);
  };
  const answer = handlers.upgrade({
    origin: header('origin'),
    version: header('sec-websocket-version'),
    subprotocols: header('sec-websocket-protocol'),
    authorization: header('authorization'),
    deviceId: head.headers.get(DEVICE_HEADER),
  });
  if (answer instanceof Promise) {
    res.onAborted(() => {
      isAborted = true;
    });
    void answer.then((late) => finish(late, true));
  } else {
    finish(answer, false);
  }
}
