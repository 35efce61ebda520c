import type { Channel, Locks } from '../platform/browser-types.ts';
import type { Platform } from '../platform/platform.ts';
import { type ChatStorage, memoryStorage } from '../storage/storage.ts';

type Listener = (event: { data: unknown }) => unknown;
type OpenChannel = { name: string; tab: object; listen(): Listener | null };
type Waiting = { tab: object; grant: () => void };
type Held = { tab: object; reject: (error: Error) => void };

/** A tab sees this of its browser. `end` is the end of the tab, in whatever way it comes. */
type Tab = {
  surroundings: Partial<Platform>;
  storage: ChatStorage;
  end(): void;
  freeze(): void;
  thaw(): void;
};

/** A browser whose tabs share locks, channels and a storage, as those of one origin do. */
export class MemoryBrowser {
  readonly storage = memoryStorage();
  readonly #channels = new Set<OpenChannel>();
  readonly #held = new Map<string, Held>();
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #frozen = new Set<object>();

  openTab(): Tab {
    const tab = {};
    return {
      surroundings: {
        isPage: true,
        locks: this.#locksOf(tab),
        openChannel: (name) => this.#openChannel(name, tab),
      },
      storage: this.storage,
      end: () => this.#end(tab),
      freeze: () => void this.#frozen.add(tab),
      thaw: () => void this.#frozen.delete(tab),
    };
  }

  #openChannel(name: string, tab: object): Channel {
    const channel: Channel = {
      onmessage: null,
      postMessage: (message) => this.#post(own, message),
      close: () => void this.#channels.delete(own),
    };
    const own = { name, tab, listen: () => channel.onmessage as Listener | null };
    this.#channels.add(own);
    return channel;
  }

  /** A message reaches the others later, as a copy, and in its order. */
  #post(from: OpenChannel, message: unknown): void {
    const data = structuredClone(message);
    for (const channel of this.#channels) {
      if (channel === from || channel.name !== from.name) continue;
      void Promise.resolve().then(() => {
        const isThere = this.#channels.has(channel) && !this.#frozen.has(channel.tab);
        if (isThere) channel.listen()?.({ data });
      });
    }
  }

  #locksOf(tab: object): Locks {
    return {
      request: (name, { steal = false }, held) =>
        new Promise((resolve, reject) => {
          const grant = (): void => {
            const own = { tab, reject };
            this.#held.set(name, own);
            const release = (): void => {
              if (this.#held.get(name) === own) this.#release(name);
            };
            void Promise.resolve().then(held).then(resolve).finally(release);
          };
          const before = this.#held.get(name);
          if (steal) grant();
          else this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), { tab, grant }]);
          if (steal) before?.reject(new Error('stolen'));
          else if (before === undefined) this.#release(name);
        }),
    };
  }

  /** The next request in line has the lock. */
  #release(name: string): void {
    this.#held.delete(name);
    this.#waiting.get(name)?.shift()?.grant();
  }

  #end(tab: object): void {
    for (const channel of this.#channels) if (channel.tab === tab) this.#channels.delete(channel);
    for (const [name, waiting] of this.#waiting) {
      this.#waiting.set(
        name,
        waiting.filter((one) => one.tab !== tab),
      );
    }
    for (const [name, held] of [...this.#held]) if (held.tab === tab) this.#release(name);
  }
}
