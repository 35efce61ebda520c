/** This is one of the servers that DATABASE_URL names. */
export type Server = { url: string; index: number };

/** Doubts that come sooner after another are the same doubt. */
const DOUBT_GAP_MS = 1_000;

/**
 * The servers know which of the Postgres servers the connections of a process lead to. All its
 * pools share them, so that what one connection learns holds for all: the server takes no writes,
 * because it became a standby or was made read-only, or it cannot be reached at all.
 */
export class DatabaseServers {
  readonly #urls: readonly string[];
  #index = 0;
  #doubtedAt = Number.NEGATIVE_INFINITY;

  /** `urls` is one URL, or several with commas between them. */
  constructor(urls: string) {
    this.#urls = urls.split(',').map((url) => url.trim());
  }

  get count(): number {
    return this.#urls.length;
  }

  /** The next connection leads there. */
  get current(): Server {
    return { url: this.#urls[this.#index] as string, index: this.#index };
  }

  /** A connection to this server failed, or found it read-only, so the next one leads elsewhere. */
  leave(index: number): void {
    if (index === this.#index) this.#index = (index + 1) % this.#urls.length;
  }

  /** Connections that were opened until now may lead to a server that takes no writes any more. */
  doubt(nowMs: number): void {
    if (nowMs - this.#doubtedAt >= DOUBT_GAP_MS) this.#doubtedAt = nowMs;
  }

  isDoubted(openedAtMs: number): boolean {
    return openedAtMs <= this.#doubtedAt;
  }
}
