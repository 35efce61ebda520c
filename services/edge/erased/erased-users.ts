import { setImmediate as turn } from 'node:timers/promises';
import type { ErasedSignal } from '../../../shared/contracts/jobs/erasures.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { erasedHash } from '../../../shared/erased-hash.ts';
import { CLOSE } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { type AskStore, createAskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Hub } from '../session/hub.ts';

type Deps = { bus: Bus; hub: Hub; logger: Logger };

const ASK_MS = 2_000;
/** A signal may be lost, and then the edge learns of the erasure after this time. */
const POLL_MS = 30_000;
const RETRY_MS = 2_000;
/** Further ones are heard of by asking alone. */
const TOLD_MAX = 10_000;
/** The edge serves others after so many users. */
const USERS_AT_ONCE = 500;

/**
 * Knows who was erased, by keyed hashes of their ids (store keeps at most 500 000, in ~80 bytes
 * each). The edge loads all at its start, hears of further ones by a signal, and asks for those
 * behind what it has each 30 s and after a reconnect. Until it has asked, it is not current: REST
 * calls wait for the answer. Sockets need not, because who was erased has no device queue, and a
 * router asks store before it gives a new one.
 */
export class ErasedUsers {
  readonly #deps: Deps;
  readonly #store: AskStore;
  readonly #hashes = new Set<string>();
  #secret: Buffer | undefined;
  /** The edge was told of these before it knew the key of the hashes. */
  readonly #told = new Set<UserId>();
  #last = 0;
  #isLoaded = false;
  #isCurrent = false;
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: Deps) {
    const { bus } = deps;
    this.#deps = deps;
    this.#store = createAskStore(bus, ASK_MS);
    bus.subscribe(subjects.erased, (msg) => this.#hear(msg.data));
    bus.onReconnect(() => {
      this.#isCurrent = false;
      void this.#poll();
    });
    void this.#poll();
  }

  get size(): number {
    return this.#hashes.size;
  }

  /** Tells whether store has said who was erased, once at least. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  has(userId: UserId): boolean {
    if (this.#told.has(userId)) return true;
    if (this.#secret === undefined || this.#hashes.size === 0) return false;
    return this.#hashes.has(textOf(erasedHash(this.#secret, userId)));
  }

  /** Resolves once the edge is current. Rejects where store is away. */
  current(): Promise<void> | undefined {
    return this.#isCurrent ? undefined : this.#ask();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #hear(payload: Uint8Array): void {
    try {
      const { user_id } = parseJson(payload) as ErasedSignal;
      if (this.#secret !== undefined) this.#hashes.add(textOf(this.#hashOf(user_id)));
      else if (this.#told.size < TOLD_MAX) this.#told.add(user_id);
      this.#end(user_id);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'signal not understood');
    }
  }

  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    let nextMs = POLL_MS;
    try {
      await this.#ask();
    } catch (error) {
      nextMs = RETRY_MS;
      this.#deps.logger.debug({ err: error }, 'who was erased is not known');
    }
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#poll(), nextMs);
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askAll(): Promise<void> {
    let isNew = false;
    for (let hasMore = true; hasMore; ) {
      const page = await this.#store('users.erased', { after: this.#last });
      if (page.secret === '') break;
      this.#secret ??= Buffer.from(page.secret, 'base64');
      for (const hash of page.hashes) {
        isNew ||= !this.#hashes.has(hash);
        this.#hashes.add(hash);
      }
      this.#last = page.last;
      hasMore = page.has_more;
    }
    if (this.#secret !== undefined) {
      for (const userId of this.#told) this.#hashes.add(textOf(this.#hashOf(userId)));
      this.#told.clear();
    }
    this.#isLoaded = true;
    this.#isCurrent = true;
    if (isNew) void this.#endAll();
  }

  #hashOf(userId: UserId): Buffer {
    return erasedHash(this.#secret as Buffer, userId);
  }

  /** Looks for sessions of users of whose erasure no signal has told. */
  async #endAll(): Promise<void> {
    let count = 0;
    for (const userId of this.#deps.hub.userIds) {
      if (this.has(userId)) this.#end(userId);
      count += 1;
      if (count % USERS_AT_ONCE === 0) await turn();
    }
  }

  #end(userId: UserId): void {
    // The loop needs a copy of the list: closing a session changes the list.
    for (const session of [...(this.#deps.hub.user(userId)?.sessions ?? [])]) {
      this.#deps.hub.close(session, CLOSE.KICKED);
    }
  }
}

function textOf(hash: Buffer): string {
  return hash.toString('base64');
}
