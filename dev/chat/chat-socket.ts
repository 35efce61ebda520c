import { WebSocket } from 'undici';

export type Frame = Record<string, unknown> & { type: string };
type Answer = Frame & { id?: number; q?: number; data?: unknown; error?: Refused };
type Refused = { code: string; message: string; details?: unknown };
type Waiting = { resolve(data: unknown): void; reject(error: Error): void };
type Connecting = { edgeUrl: string; token: string; deviceId?: string };

/** The server refused a request. The message says so to a person. */
class RefusedError extends Error {
  readonly code: string;

  constructor({ code, message, details }: Refused) {
    super(`${code}: ${message}${details === undefined ? '' : ` ${JSON.stringify(details)}`}`);
    this.code = code;
  }
}

/** The protocol wants a frame at least this often. */
const HEARTBEAT_MS = 15_000;
const DEVICE = 'terminal';

/**
 * The socket of the terminal client asks and is answered, acknowledges events once somebody has
 * seen them, and stays alive.
 */
export class ChatSocket {
  /** Resolves with the reason in words once the socket is closed. */
  readonly closed: Promise<string>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #heartbeat: NodeJS.Timeout;
  /** Nobody has listened yet when these events came. */
  readonly #unheard: Frame[] = [];
  #listener: ((event: Frame) => void) | undefined;
  #nextId = 1;

  /** Resolves once the socket is open. Rejects if the edge refuses it. */
  static async connect(options: Connecting): Promise<ChatSocket> {
    const socket = new ChatSocket(options);
    const opened = new Promise<void>((resolve) => {
      socket.#socket.addEventListener('open', () => resolve(), { once: true });
    });
    const refused = socket.closed.then((reason): never => {
      throw new Error(reason);
    });
    await Promise.race([opened, refused]);
    return socket;
  }

  private constructor({ edgeUrl, token, deviceId = DEVICE }: Connecting) {
    const headers = { authorization: `Bearer ${token}`, 'x-device-id': deviceId };
    this.#socket = new WebSocket(`${edgeUrl.replace(/^http/, 'ws')}/ws`, { headers });
    this.#socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))));
    this.#heartbeat = setInterval(() => this.#send({ type: 'ping' }), HEARTBEAT_MS);
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener('close', ({ code, reason }) => {
        clearInterval(this.#heartbeat);
        const text = `Closed: ${code} ${reason}`;
        for (const { reject } of this.#waiting.values()) reject(new Error(text));
        this.#waiting.clear();
        resolve(text);
      });
    });
  }

  /** Hands each event to the listener, first those that have come already. */
  listen(listener: (event: Frame) => void): void {
    this.#listener = listener;
    for (const event of this.#unheard.splice(0)) this.#hand(event);
  }

  /** Resolves with the `data` of the answer. Rejects with a RefusedError. */
  ask<Data>(frame: Frame): Promise<Data> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise<Data>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.#send({ ...frame, id });
    });
  }

  close(): void {
    this.#socket.close();
  }

  #take(frame: Answer): void {
    const waiting = frame.id === undefined ? undefined : this.#waiting.get(frame.id);
    if (waiting === undefined || frame.id === undefined) {
      if (this.#listener === undefined) this.#unheard.push(frame);
      else this.#hand(frame);
      return;
    }
    this.#waiting.delete(frame.id);
    if (frame.error !== undefined) waiting.reject(new RefusedError(frame.error));
    else waiting.resolve(frame.data);
  }

  #hand(event: Answer): void {
    this.#listener?.(event);
    if (event.q !== undefined) this.#send({ type: 'ack', q: event.q });
  }

  #send(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
