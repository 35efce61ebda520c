import type { Channel, DatabaseFactory, Locks } from './browser-types.ts';
import type { Fetch, Platform, SocketClass } from './platform.ts';

type EventSource = {
  addEventListener(type: string, run: () => void): void;
  removeEventListener(type: string, run: () => void): void;
};

/** Browsers have all of these, and other surroundings some. */
type Globals = Partial<EventSource> & {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };
  fetch?: Fetch;
  WebSocket?: SocketClass;
  document?: EventSource & { visibilityState: string };
  location?: { origin: string };
  navigator?: { locks?: Locks };
  BroadcastChannel?: new (name: string) => Channel;
  indexedDB?: DatabaseFactory;
  reportError?: (error: unknown) => void;
};

const UUID = 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx';

/**
 * Returns the surroundings that the client runs in. Node 20 has a WebSocket only with the flag
 * `--experimental-websocket`, so there the application gives the class. Tabs exist only where there
 * are pages, although Node has channels and locks too.
 */
export function platformOf(given: Partial<Platform>): Platform {
  const globals = globalThis as unknown as Globals;
  const { document, BroadcastChannel: ChannelClass } = globals;
  const isVisible = (): boolean => document?.visibilityState !== 'hidden';
  const on = (types: string[], run: () => void): (() => void) => {
    for (const type of types) sourceOf(type).addEventListener?.(type, run);
    return () => {
      for (const type of types) sourceOf(type).removeEventListener?.(type, run);
    };
  };
  const sourceOf = (type: string): Partial<EventSource> =>
    (type === 'visibilitychange' && document) || globals;
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    uuid: () => newUuid(globals.crypto),
    after: (ms, run) => {
      const timer = globals.setTimeout(run, ms);
      return () => globals.clearTimeout(timer);
    },
    // A browser refuses this function as a method of another object than `window`.
    fetch: globals.fetch?.bind(globals),
    WebSocket: globals.WebSocket,
    origin: globals.location?.origin,
    isPage: document !== undefined,
    isVisible,
    onWake: (run) =>
      on(['visibilitychange', 'online', 'offline', 'pageshow'], () => isVisible() && run()),
    onHide: (run) => on(['pagehide'], run),
    indexedDB: readable(() => globals.indexedDB),
    locks: globals.navigator?.locks,
    openChannel: ChannelClass && ((name) => new ChannelClass(name)),
    reportError: (error) => globals.reportError?.(error),
    ...given,
  };
}

/** A page that may store nothing throws already where the database is named. */
function readable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    return void error;
  }
}

/** `crypto.randomUUID` is missing in pages without TLS, so the UUID is made here. */
function newUuid(crypto: Globals['crypto']): string {
  const bytes = crypto.getRandomValues(new Uint8Array(36));
  return UUID.replace(/[xy]/g, (letter, index: number) => {
    const digit = (bytes[index] as number) % 16;
    return (letter === 'x' ? digit : 8 + (digit % 4)).toString(16);
  });
}
