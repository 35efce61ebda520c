import type { Socket } from 'node:net';
import { newId } from '../../shared/ids.ts';
import {
  encodeFrame,
  FrameDecoder,
  type FrameOptions,
  OPCODES,
  type UpgradeResult,
} from './websocket.ts';

export type Frame = { type: string } & Record<string, unknown>;
export type MessageEvent = Frame & {
  q?: number;
  conversation_id: string;
  message_id: string;
  client_msg_id: string;
  seq: number;
  sender_id: string;
  content: string;
};
export type Answer = Frame & {
  data?: Record<string, unknown>;
  error?: { code: string; message: string; details?: unknown; retry_after?: number };
};
export type Closed = { code: number; reason: string };
export type ClientOptions = {
  /** The client acknowledges each event as it comes; otherwise the test calls `ack`. */
  isAcking?: boolean;
  /** The client sends `ping` so that the server does not think it dead. */
  isAlive?: boolean;
  /** The client calls this with each frame as it comes. */
  onFrame?: (frame: Frame, client: Client) => void;
};

type What = string | ((frame: Frame) => boolean);

const WAIT_MS = 15_000;
const PING_MS = 10_000;
/** A browser reports this code if no close frame came. */
const CLOSE_WITHOUT_CODE = 1006;

/**
 * A client speaks the wire contract, and can also break it. All frames that came stay in
 * `received`, and `next` hands out each frame once.
 */
export class Client {
  readonly received: Frame[] = [];
  readonly closed: Promise<Closed>;
  isOpen = true;
  isAcking: boolean;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #untaken: Frame[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #pinging: NodeJS.Timeout | undefined;
  readonly #onFrame: ClientOptions['onFrame'];
  #end: Closed = { code: CLOSE_WITHOUT_CODE, reason: '' };
  #nextId = 1;

  constructor(upgraded: UpgradeResult, options: ClientOptions = {}) {
    const { isAcking = true, isAlive = true } = options;
    this.isAcking = isAcking;
    this.#onFrame = options.onFrame;
    const { socket, rest } = upgraded;
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isOpen = false;
        clearInterval(this.#pinging);
        resolve(this.#end);
        for (const look of this.#waiters) look();
      });
    });
    // The client treats a reset as any other end.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    if (isAlive) this.#pinging = setInterval(() => this.send({ type: 'ping' }), PING_MS).unref();
    if (rest.length > 0) this.#read(rest);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.resume();
  }

  send(frame: unknown): void {
    this.sendBytes(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** Sends any bytes as a frame of any kind. */
  sendBytes(payload: string | Buffer, options: FrameOptions = {}): void {
    if (this.isOpen) this.#socket.write(encodeFrame(Buffer.from(payload as string), options));
  }

  ack(q: number): void {
    this.send({ type: 'ack', q });
  }

  /** Sends with an id and waits for the answer to it. */
  async ask(frame: Record<string, unknown>, waitMs = WAIT_MS): Promise<Answer> {
    const id = `ask-${this.#nextId++}`;
    this.send({ ...frame, id });
    return await this.next((answer) => answer.id === id, waitMs);
  }

  /** Sends a message and waits for its answer. */
  post(conversationId: string, content: string, more: Record<string, unknown> = {}) {
    const frame = { type: 'message', conversation_id: conversationId, content };
    return this.ask({ client_msg_id: newId<string>(), ...frame, ...more });
  }

  /**
   * Resolves with the first frame, in order of arrival, that matches and was not handed out before.
   */
  next<Wanted extends Frame = Answer>(what: What, waitMs = WAIT_MS): Promise<Wanted> {
    const isIt = typeof what === 'string' ? (frame: Frame) => frame.type === what : what;
    return this.#until(`frame ${what}`, waitMs, () => {
      const index = this.#untaken.findIndex(isIt);
      return index === -1 ? undefined : (this.#untaken.splice(index, 1)[0] as Wanted);
    });
  }

  /** Resolves with all `message` events once this many have come. Repeats count. */
  messages(count: number, waitMs = WAIT_MS): Promise<MessageEvent[]> {
    return this.#until(`${count} messages`, waitMs, () => {
      const events = this.messageEvents;
      return events.length >= count ? events : undefined;
    });
  }

  get messageEvents(): MessageEvent[] {
    return this.received.filter((frame): frame is MessageEvent => frame.type === 'message');
  }

  /**
   * Resolves once the server has answered a `ping`. By then it has handled all that came earlier on
   * this socket.
   */
  async settled(): Promise<void> {
    await this.ask({ type: 'ping' });
  }

  /** Stops reading, so that the server's bytes pile up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code = 1000): Promise<Closed> {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.sendBytes(payload, { opcode: OPCODES.close });
    return this.closed;
  }

  /** Ends the connection with a reset, without a close frame or a FIN. */
  destroy(): Promise<Closed> {
    this.#socket.resetAndDestroy();
    return this.closed;
  }

  #read(chunk: Buffer): void {
    for (const { opcode, payload } of this.#decoder.push(chunk)) {
      if (opcode === OPCODES.text) this.#receive(JSON.parse(payload.toString()) as Frame);
      else if (opcode === OPCODES.ping) this.sendBytes(payload, { opcode: OPCODES.pong });
      else if (opcode === OPCODES.close) this.#closeBack(payload);
    }
  }

  #closeBack(payload: Buffer): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    this.#end = { code, reason: payload.subarray(2).toString() };
    this.sendBytes(payload, { opcode: OPCODES.close });
    this.#socket.end();
  }

  #receive(frame: Frame): void {
    if (frame.type === 'pong' && frame.id === undefined) return;
    this.received.push(frame);
    this.#untaken.push(frame);
    this.#onFrame?.(frame, this);
    if (this.isAcking && typeof frame.q === 'number') this.ack(frame.q);
    for (const look of this.#waiters) look();
  }

  async #until<T>(what: string, waitMs: number, find: () => T | undefined): Promise<T> {
    const found = find();
    if (found !== undefined) return found;
    const result = await new Promise<T | undefined>((resolve) => {
      const end = (value: T | undefined): void => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(value);
      };
      const look = (): void => {
        const late = find();
        if (late !== undefined || !this.isOpen) end(late);
      };
      const timer = setTimeout(() => end(undefined), waitMs);
      this.#waiters.add(look);
      look();
    });
    if (result !== undefined) return result;
    throw new Error(`${this.isOpen ? 'no' : 'closed before'} ${what}; ${this.#summary()}`);
  }

  #summary(): string {
    const last = this.#untaken.slice(-3).map((frame) => JSON.stringify(frame).slice(0, 200));
    return `${this.received.length} frames came, ${this.messageEvents.length} messages; ${last}`;
  }
}
