import { ChatError } from '../errors.ts';
import type { Channel, DatabaseFactory, Locks } from './browser-types.ts';

/**
 * The client takes all that it needs of its surroundings from here. These types name only what it
 * uses, so the package needs no type library of browsers or of Node.
 */
export type Platform = {
  now(): number;
  /** Returns a number from 0 to 1, as `Math.random` does. */
  random(): number;
  /** Returns a new UUID. */
  uuid(): string;
  /** Runs something once, after this time. Returns a function that prevents that. */
  after(ms: number, run: () => void): () => void;
  fetch: Fetch | undefined;
  WebSocket: SocketClass | undefined;
  /** The address that the page came from. */
  origin: string | undefined;
  /** A page has tabs beside it, and may be hidden. */
  isPage: boolean;
  isVisible(): boolean;
  /** Calls back when the page is shown or the network changes, until the result is called. */
  onWake(run: () => void): () => void;
  /** Calls back when the page ends, or may end. */
  onHide(run: () => void): () => void;
  indexedDB: DatabaseFactory | undefined;
  locks: Locks | undefined;
  openChannel: ((name: string) => Channel) | undefined;
  /** Shows an error that nobody handles to the developer. */
  reportError(error: unknown): void;
};

export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;
type FetchInit = { method?: string; headers?: Record<string, string>; body?: string };
type FetchAnswer = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
};

/** Any class with the interface of the browser's WebSocket will do. */
export type SocketClass = new (
  url: string,
  protocols?: string[],
) => { send(data: string): void; close(code?: number, reason?: string): void };

/** Resolves after this time. */
export function pause({ after }: Pick<Platform, 'after'>, ms: number): Promise<void> {
  return new Promise((resolve) => void after(ms, resolve));
}

/** Settles as the promise does, or rejects with `TIMEOUT` after this time. */
export async function within<Value>(
  { after }: Pick<Platform, 'after'>,
  ms: number,
  promise: Promise<Value>,
): Promise<Value> {
  let prevent = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    prevent = after(ms, () => reject(new ChatError('TIMEOUT', 'No answer')));
  });
  return await Promise.race([promise, late]).finally(prevent);
}
