import { randomUUID } from 'node:crypto';
import type { Platform, SocketClass } from '../platform/platform.ts';

type Timer = { at: number; run: () => void };
type Listener = (event: Record<string, unknown>) => void;

const START = Date.parse('2026-11-21T10:00:00.000Z');
/** A browser refuses other names. */
const SUBPROTOCOL = /^[\w.~+-]+$/;
const nothing = (): void => undefined;

/**
 * Surroundings whose time passes only when a test lets it. Sockets open to the test itself, which
 * plays the server.
 */
export class VirtualPlatform {
  nowMs = START;
  /** `random` returns this number each time. */
  random = 0.5;
  readonly sockets: MemorySocket[] = [];
  readonly platform: Platform;
  readonly #timers = new Set<Timer>();

  constructor(given: Partial<Platform> = {}) {
    const { sockets } = this;
    this.platform = {
      now: () => this.nowMs,
      random: () => this.random,
      after: (ms, run) => {
        const timer = { at: this.nowMs + ms, run };
        this.#timers.add(timer);
        return () => void this.#timers.delete(timer);
      },
      ...{ fetch: undefined, indexedDB: undefined, locks: undefined, openChannel: undefined },
      ...{ origin: undefined, isPage: false, isVisible: () => true },
      ...{ onWake: () => nothing, onHide: () => nothing },
      uuid: () => randomUUID(),
      reportError: (error) => {
        throw error;
      },
      WebSocket: class extends MemorySocket {
        constructor(url: string, protocols?: string[]) {
          super(url, protocols);
          sockets.push(this);
        }
      } satisfies SocketClass,
      ...given,
    };
  }

  /** Returns the newest socket. */
  get socket(): MemorySocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass. Each timer runs at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    await settled();
    for (;;) {
      const due = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (due === undefined || due.at > end) break;
      this.nowMs = Math.max(this.nowMs, due.at);
      await this.#fire(due);
    }
    this.nowMs = end;
    await settled();
  }

  /** The machine sleeps: time passes, and the timers that were due fire together, late. */
  async sleep(ms: number): Promise<void> {
    this.nowMs += ms;
    for (const timer of [...this.#timers]) if (timer.at <= this.nowMs) await this.#fire(timer);
  }

  async #fire(timer: Timer): Promise<void> {
    if (!this.#timers.delete(timer)) return;
    timer.run();
    await settled();
  }
}

/** All promises that wait for nothing else are settled after a turn of the event loop. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** This socket has the interface of the browser's, and the test is its server. */
class MemorySocket {
  readonly url: string;
  readonly protocols: readonly string[];
  /** The frames that the client has sent. */
  readonly sent: (Record<string, unknown> & { type: string })[] = [];
  isClosed = false;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(url: string, protocols: string[] = []) {
    if (!protocols.every((name) => SUBPROTOCOL.test(name))) throw new Error('no subprotocol');
    this.url = url;
    this.protocols = protocols;
  }

  /** The client brought this token with the upgrade. */
  get token(): string | undefined {
    return this.#offered('bearer.');
  }

  get deviceId(): string | undefined {
    return this.#offered('device.');
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
  }

  /** The server accepts. */
  async open(): Promise<void> {
    this.#emit('open', {});
    await settled();
  }

  /** The server sends a frame, or a text that is none. */
  async say(frame: object | string): Promise<void> {
    this.#emit('message', { data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
    await settled();
  }

  async end(code: number, reason = ''): Promise<void> {
    this.isClosed = true;
    this.#emit('close', { code, reason });
    await settled();
  }

  sentOf(type: string) {
    return this.sent.filter((frame) => frame.type === type);
  }

  #offered(prefix: string): string | undefined {
    return this.protocols.find((name) => name.startsWith(prefix))?.slice(prefix.length);
  }

  #emit(type: string, event: Record<string, unknown>): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
