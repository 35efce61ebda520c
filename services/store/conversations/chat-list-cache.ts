import type { Redis } from 'ioredis';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { ListCipher } from '../content/list-cipher.ts';
import type { List } from './list-places.ts';

type ListPage = { records: ConversationRecord[]; next_cursor: string | null };
type Deps = { redis: Redis; cipher: ListCipher; metrics: Metrics; logger: Logger };
type Source = {
  /** The stamp is a hash of everything in Postgres that the page is made of now. */
  stamp: Promise<string>;
  /**
   * The page is loaded after its stamp. A change in between is kept under an outdated stamp, so the
   * next request does not use that entry.
   */
  load: () => Promise<ListPage>;
};

/** An entry serves devices that reconnect soon, and the second device of a user. */
const TTL_S = 60;
/** The cache does not keep a larger page; a page of 50 groups of 8 participants has 130 KB. */
const PAGE_BYTES_MAX = 160 * 1024;
/** An entry is `<key id> <stamp>\n` followed by the encrypted page. */
const HEADER = /^(\S+) (\S+)$/;
const NEWLINE = 0x0a;

/**
 * The cache keeps first pages of conversation lists in Redis under `chats:<user>:…`, encrypted
 * with a key of the user. An entry is used only if its stamp equals the one that Postgres gives
 * now, so a page is never outdated, even if a store failed to renew it. Without Redis, or with an
 * empty one, lists only take longer.
 */
export class ChatListCache {
  readonly #deps: Deps;
  readonly #outcomes: ReturnType<Metrics['counter']>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#outcomes = deps.metrics.counter('kaha_chat_list_cache_total', 'First pages', ['outcome']);
  }

  async page(list: List, { stamp: stamping, load }: Source): Promise<ListPage> {
    const [entry, stamp] = await Promise.all([this.#read(list), stamping]);
    const kept = entry && this.#open(entry, list, stamp);
    this.#outcomes.inc({ outcome: kept === undefined ? 'miss' : 'hit' });
    if (kept !== undefined) return kept;
    const page = await load();
    this.#write(list, stamp, page);
    return page;
  }

  async #read(list: List): Promise<Buffer | undefined> {
    try {
      return (await this.#deps.redis.getBuffer(keyOf(list))) ?? undefined;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #open(entry: Buffer, list: List, stamp: string): ListPage | undefined {
    const end = entry.indexOf(NEWLINE);
    const [, keyId, itsStamp] = HEADER.exec(entry.toString('latin1', 0, end)) ?? [];
    if (keyId === undefined || itsStamp !== stamp) return undefined;
    try {
      const json = this.#deps.cipher.open(entry.subarray(end + 1), keyId, list.userId);
      return JSON.parse(json) as ListPage;
    } catch (error) {
      // The entry is not from a store, or its key is gone. The caller writes a new entry.
      this.#fail(error);
      return undefined;
    }
  }

  /** The caller does not wait for Redis. */
  #write(list: List, stamp: string, page: ListPage): void {
    const { redis, cipher } = this.#deps;
    const sealed = cipher.seal(JSON.stringify(page), list.userId);
    if (sealed.length > PAGE_BYTES_MAX) return;
    const entry = Buffer.concat([Buffer.from(`${cipher.keyId} ${stamp}\n`, 'latin1'), sealed]);
    redis.set(keyOf(list), entry, 'EX', TTL_S).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#outcomes.inc({ outcome: 'failed' });
    this.#deps.logger.debug({ err: error }, 'chat list cache failed');
  }
}

/** These are all keys that lists of the user may have. */
export function listKeysOf(userId: UserId): string[] {
  // A list is read with one row more than its page has.
  const limits = Array.from({ length: LIMITS.pageLimitMax }, (_, index) => index + 2);
  return limits.flatMap((limit) =>
    [true, false].map((archived) => keyOf({ userId, archived, limit })),
  );
}

function keyOf({ userId, archived, limit }: List): string {
  return `chats:${userId}:${archived ? 'archived' : 'current'}:${limit}`;
}
