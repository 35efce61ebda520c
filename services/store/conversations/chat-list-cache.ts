import type { Redis } from 'ioredis';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { List } from './list-places.ts';

export type ListPage = { records: ConversationRecord[]; next_cursor: string | null };
type Deps = { redis: Redis; cipher: ContentCipher; metrics: Metrics; logger: Logger };
type Source = {
  /** What Postgres says now that the page is made of. */
  stamp: Promise<string>;
  /** Reads it later than the stamp: what changes in between is kept under a stamp that is over. */
  load: () => Promise<ListPage>;
};

/** Devices that come back, and the second device of a user. */
const TTL_S = 60;
/** A larger page is not kept: 50 groups of 8 are 130 KB. */
const PAGE_BYTES_MAX = 160 * 1024;
/** `<key id> <stamp>\n`, then the sealed page. */
const HEADER = /^(\S+) (\S+)$/;
const NEWLINE = 0x0a;

/**
 * First pages of conversation lists in Redis, `chats:<user>:…`, sealed as content is in Postgres.
 * An entry is good for as long as its stamp is what Postgres says now: so none is ever too old,
 * whoever failed to renew it, and Redis away or empty costs time only.
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
      const json = this.#deps.cipher.decrypt(entry.subarray(end + 1), keyId, placeOf(list));
      return JSON.parse(json) as ListPage;
    } catch (error) {
      // Not what we wrote, or under a key that is gone: it is written anew.
      this.#fail(error);
      return undefined;
    }
  }

  /** Nobody waits for it. */
  #write(list: List, stamp: string, page: ListPage): void {
    const { redis, cipher } = this.#deps;
    const sealed = cipher.encrypt(JSON.stringify(page), placeOf(list));
    if (sealed.length > PAGE_BYTES_MAX) return;
    const entry = Buffer.concat([Buffer.from(`${cipher.keyId} ${stamp}\n`, 'latin1'), sealed]);
    redis.set(keyOf(list), entry, 'EX', TTL_S).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#outcomes.inc({ outcome: 'failed' });
    this.#deps.logger.debug({ err: error }, 'chat list cache failed');
  }
}

function keyOf({ userId, archived, limit }: List): string {
  return `chats:${userId}:${archived ? 'archived' : 'current'}:${limit}`;
}

function placeOf({ userId }: List) {
  return { user_id: userId, field: 'chats' as const };
}
