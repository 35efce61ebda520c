import { type Observable, Subject } from '../../../clients/js/src/events/observable.ts';
import type { Fetch, SocketClass } from '../../../clients/js/src/platform/platform.ts';

/** The user switches the network off and on for all tabs of one person. */
export type NetworkSwitch = {
  isOn: Observable<boolean>;
  set(isOn: boolean): void;
};

type Surroundings = { WebSocket: SocketClass; fetch: Fetch };

/** A browser reports this code for a connection that broke. */
const BROKEN = 1006;

/**
 * Stands between the client and the browser's network. While it is off, open sockets have broken
 * and new ones break at once, as without a network, so the client keeps what is written in its
 * outbox. The tabs of one person are one device, and are switched together.
 */
export function createNetworkSwitch(userId: string): NetworkSwitch & Surroundings {
  const key = `kaha-chat offline ${userId}`;
  const read = (): boolean => localStorage.getItem(key) === null;
  const isOn = new Subject(read());
  const sockets = new Set<SwitchedSocket>();
  const apply = (next: boolean): void => {
    if (next === isOn.value) return;
    isOn.set(next);
    if (!next) for (const socket of sockets) socket.break();
    // The client hears of it as it does when the browser's own network goes or comes.
    dispatchEvent(new Event(next ? 'online' : 'offline'));
  };
  addEventListener('storage', (event) => event.key === key && apply(read()));
  return {
    isOn,
    set(next) {
      if (next) localStorage.removeItem(key);
      else localStorage.setItem(key, 'off');
      apply(next);
    },
    WebSocket: class extends SwitchedSocket {
      constructor(url: string, protocols?: string[]) {
        super(isOn.value ? new WebSocket(url, protocols) : undefined);
        sockets.add(this);
        this.addEventListener('close', () => sockets.delete(this));
      }
    },
    fetch: (url, init) =>
      isOn.value ? fetch(url, init) : Promise.reject(new TypeError('The network is off')),
  };
}

/** A socket that can break. Without a native one it is broken from the beginning. */
class SwitchedSocket extends EventTarget {
  readonly #native: WebSocket | undefined;
  #isOver = false;

  constructor(native: WebSocket | undefined) {
    super();
    this.#native = native;
    for (const type of ['open', 'message', 'error']) {
      native?.addEventListener(type, (event) => this.#pass(event));
    }
    native?.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
    if (native === undefined) queueMicrotask(() => this.break());
  }

  send(data: string): void {
    if (!this.#isOver) this.#native?.send(data);
  }

  close(): void {
    this.#native?.close();
  }

  break(): void {
    this.#end(BROKEN, '');
    this.#native?.close();
  }

  #pass(event: Event): void {
    if (this.#isOver) return;
    const { type } = event;
    this.dispatchEvent(
      event instanceof MessageEvent
        ? new MessageEvent(type, { data: event.data })
        : new Event(type),
    );
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.dispatchEvent(new CloseEvent('close', { code, reason }));
  }
}
