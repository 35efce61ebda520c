import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ApnsResponse } from './apns-answer.ts';

export type ApnsConnectionOptions = {
  url: string;
  /** The connection trusts this authority instead of the usual ones. */
  ca?: string | undefined;
  /** A try takes at most this long, so does the making of a connection, and a PING half of it. */
  tryMs: number;
  /** A connection is asked so often whether it is alive, and also when a try was late. */
  pingMs: number;
};

type ApnsRequest = { headers: Record<string, string>; body: Buffer };

/** The socket is kept, because a session that ends waits for the other side to close it. */
type Link = {
  session: ClientHttp2Session;
  socket: TLSSocket;
  isEnding: boolean;
  isPinged: boolean;
};

const HTTPS_PORT = 443;
const RESPONSE_BYTES_MAX = 4_096;
/** APNs gives back what it has not begun when it ends a connection. That is asked again at once. */
const REFUSALS_MAX = 3;

/**
 * Keeps one connection to a host of APNs, from the first request on. A request on a connection that
 * APNs ends goes to a new one, if APNs says that it has not begun with it. A connection that does
 * not answer a PING is cut, and so is one that cannot be made in time. One that ends has as long as
 * a try for its requests.
 */
export class ApnsConnection {
  readonly #options: ApnsConnectionOptions;
  readonly #links = new Set<Link>();
  #current: Link | undefined;

  constructor(options: ApnsConnectionOptions) {
    this.#options = options;
  }

  async request(request: ApnsRequest): Promise<ApnsResponse> {
    for (let refusals = 0; ; refusals += 1) {
      const link = this.#link();
      try {
        return await this.#ask(link, request);
      } catch (error) {
        if (!isUnbegun(error) || refusals === REFUSALS_MAX) throw error;
        this.#retire(link);
      }
    }
  }

  /** Ends the connections once their requests are answered, or when those are late. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#links].map((link) => {
        const closed = new Promise<void>((resolve) => link.session.once('close', resolve));
        this.#retire(link);
        return closed;
      }),
    );
  }

  #ask(link: Link, { headers, body }: ApnsRequest): Promise<ApnsResponse> {
    const stream = link.session.request(headers);
    const late = setTimeout(() => {
      stream.destroy(lateError('no answer'));
      this.#ping(link);
    }, this.#options.tryMs);
    return readResponse(stream, body).finally(() => clearTimeout(late));
  }

  #link(): Link {
    const current = this.#current;
    if (current !== undefined && !current.session.closed && !current.isEnding) return current;
    this.#current = this.#open();
    return this.#current;
  }

  #open(): Link {
    const { url, ca, tryMs, pingMs } = this.#options;
    const { hostname, port } = new URL(url);
    const socket = connectTls({
      ...{ host: hostname, port: Number(port || HTTPS_PORT), ALPNProtocols: ['h2'] },
      ...(isIP(hostname) === 0 && { servername: hostname }),
      ...(ca !== undefined && { ca }),
    });
    const session = connect(url, { createConnection: () => socket });
    const link = { session, socket, isEnding: false, isPinged: false };
    this.#links.add(link);
    const late = setTimeout(() => cut(link, 'no connection'), tryMs);
    const ping = setInterval(() => this.#ping(link), pingMs);
    session.once('connect', () => clearTimeout(late));
    // Each request of the connection gets the error as well, and tells of it.
    session.on('error', () => this.#retire(link));
    session.on('goaway', () => this.#retire(link));
    session.once('close', () => {
      clearTimeout(late);
      clearInterval(ping);
      this.#retire(link);
      this.#links.delete(link);
    });
    return link;
  }

  #ping(link: Link): void {
    const { session } = link;
    if (session.destroyed || session.connecting || link.isPinged) return;
    link.isPinged = true;
    const late = setTimeout(() => cut(link, 'no PING'), this.#options.tryMs / 2);
    session.ping(() => {
      link.isPinged = false;
      clearTimeout(late);
    });
  }

  /** No further request goes to this connection, and it ends when it has answered all. */
  #retire(link: Link): void {
    if (link.isEnding) return;
    link.isEnding = true;
    const { session, socket } = link;
    const late = setTimeout(() => cut(link, 'no end'), this.#options.tryMs);
    socket.once('close', () => clearTimeout(late));
    if (socket.destroyed) clearTimeout(late);
    if (session.connecting) session.destroy();
    else session.close();
  }
}

function cut({ session, socket }: Link, what: string): void {
  session.destroy(lateError(what));
  socket.destroy();
}

function lateError(what: string): Error {
  return Object.assign(new Error(`${what} in time`), { code: 'TIMEOUT' });
}

function readResponse(stream: ClientHttp2Stream, body: Buffer): Promise<ApnsResponse> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let retryAfter: string | undefined;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
      retryAfter = headers['retry-after'];
    });
    stream.on('data', (part: string) => {
      if (text.length < RESPONSE_BYTES_MAX) text += part;
    });
    stream.on('end', () => status > 0 && resolve({ status, retryAfter, body: text }));
    stream.once('error', reject);
    stream.once('close', () => {
      reject(Object.assign(new Error('the stream ended'), { rstCode: stream.rstCode }));
    });
    stream.end(body);
  });
}

/** HTTP/2 has a code by which a server says that it has not begun with a request. */
function isUnbegun(error: unknown): boolean {
  const { rstCode, code, message } = error as NodeJS.ErrnoException & { rstCode?: number };
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
  return code === 'ERR_HTTP2_GOAWAY_SESSION' || /NGHTTP2_REFUSED_STREAM/.test(message ?? '');
}
