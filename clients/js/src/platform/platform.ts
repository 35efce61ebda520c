/**
 * The client takes all that it needs of its surroundings from here. These types name only what it
 * uses, so the package needs no type library of browsers or of Node.
 */
export type Platform = {
  now(): number;
  /** Returns a number from 0 to 1, as `Math.random` does. */
  random(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  fetch: Fetch | undefined;
  WebSocket: SocketClass | undefined;
};

export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;
type FetchInit = {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignalLike;
};
type AbortSignalLike = { readonly aborted: boolean };
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
