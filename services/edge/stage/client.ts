import { WebSocket } from 'undici';

type Frame = { type: string } & Record<string, unknown>;
export type ConnectOptions = {
  path?: string;
  protocols?: string[];
  headers?: Record<string, string>;
};

const TIMEOUT_MS = 15_000;

/** This WebSocket client of tests keeps each frame that came until a test asks for it. */
export class Client {
  readonly frames: Frame[] = [];
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #countsFrom = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', (event) => {
      const frame = JSON.parse(String(event.data)) as Frame;
      if (typeof frame.q === 'number') frame.q -= this.#countsFrom;
      this.frames.push(frame);
      for (const look of this.#waiting) look();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', (event) => {
        resolve(event.code);
        for (const look of this.#waiting) look();
      });
    });
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  /** From now on tests see each `q`, and acknowledge it, as if the event after this one were 1. */
  countFrom(q: number): void {
    this.#countsFrom += q;
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(this.#counted(frame)));
  }

  #counted(frame: unknown): unknown {
    const { type, q } = frame as Partial<Frame>;
    if (type !== 'ack' || typeof q !== 'number') return frame;
    return { type, q: q + this.#countsFrom };
  }

  sendBinary(bytes: Uint8Array): void {
    this.#socket.send(bytes as never);
  }

  /** Returns the first frame of the type that is not taken yet; frames of other types stay. */
  next(type: string): Promise<Frame> {
    return this.nextThat((frame) => frame.type === type, type);
  }

  /** Returns the first frame of the type, which stays. */
  seen(type: string): Promise<Frame> {
    return this.nextThat((frame) => frame.type === type, type, { stays: true });
  }

  nextThat(
    isIt: (frame: Frame) => boolean,
    what = 'a frame',
    { stays } = { stays: false },
  ): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = (): void => {
        const found = this.frames.find(isIt);
        if (found === undefined) {
          if (this.#socket.readyState !== WebSocket.CLOSED) return;
          end();
          reject(new Error(`closed before ${what}`));
          return;
        }
        end();
        if (!stays) this.frames.splice(this.frames.indexOf(found), 1);
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`no ${what}; there is ${JSON.stringify(this.frames).slice(0, 500)}`));
      }, TIMEOUT_MS);
      this.#waiting.add(look);
      look();
    });
  }

  /** Sends the frame with an id, and waits for the answer to it. */
  async ask(frame: Record<string, unknown>): Promise<Frame> {
    const id = this.#nextId++;
    this.send({ ...frame, id });
    return this.nextThat((answer) => answer.id === id, `answer to ${String(frame.type)}`);
  }

  #nextId = 1;

  close(): Promise<number> {
    this.#socket.close();
    return this.closed;
  }
}

export function connectClient(port: number, options: ConnectOptions): Promise<Client> {
  const { path = '/ws', protocols = [], headers = {} } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { protocols, headers });
  const client = new Client(socket);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(client));
    socket.addEventListener('error', () => reject(new Error('not upgraded')));
  });
}
