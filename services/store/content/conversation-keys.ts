import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { Gatherer } from '../../../shared/concurrency/gatherer.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, isUuidV4 } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import { Outage } from '../append/outage.ts';
import { classifyFailure } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import type { ContentKey } from './content-keys.ts';
import { ConversationKey, type KeyPlace, unwrapKey, wrapKey } from './conversation-key.ts';
import { type FoundKey, insertKeys, selectKeys, selectNewest } from './conversation-key-rows.ts';
import { generationOf } from './key-name.ts';

type Deps = {
  db: Kysely<Database>;
  /** The first one wraps; every one unwraps. */
  contentKeys: readonly ContentKey[];
  metrics: Metrics;
  logger: Logger;
  /** Hears of each use of the first content key. */
  noteUse: () => void;
};

/** The text of this row is under a key of the conversation if `key_id` says so. */
type Sealed = { conversation_id: ConversationId; key_id: string };
type Made = KeyPlace & { key: Buffer };

/** An entry with its name and up to three derived keys takes about this much. */
const ENTRY_BYTES = 1_024;
/**
 * A key that is not cached costs one query with all others of a page, or of the sends that come
 * within a millisecond. One that was erased is gone from all processes after the time.
 */
const CACHE = {
  max: 50_000,
  maxSize: heapShare(1 / 32, 32 * 1024 ** 2),
  ttl: 10 * 60_000,
  ttlAutopurge: true,
};
/** A send beyond so many that wait for keys is refused with DATABASE_UNAVAILABLE. */
const WANTED = { waitMs: 1, batchMax: 500, heldMax: 10_000 };
/** The next try comes so long after Postgres has gone. */
const RETRY_MS = 100;
/** A content key that is missing is missed at each page, and logged this rarely. */
const LOG_GAP_MS = 60_000;
/** Only others that make or erase the same keys at the same time make another try necessary. */
const TRIES_MAX = 5;

/**
 * Each conversation has a random key. Postgres has it wrapped by a content key, and here it is
 * cached. Keys are committed before anything is encrypted with them, and so no text can outlive a
 * transaction that would have made its key. A conversation whose key is gone, or cannot be
 * unwrapped, gets one of the next generation when somebody writes. What was under the old one
 * cannot be read, and costs nothing else.
 */
export class ConversationKeys {
  readonly #deps: Deps;
  readonly #contentKeys: ReadonlyMap<string, Buffer>;
  readonly #known = new LRUCache<string, ConversationKey>({ ...CACHE, sizeCalculation });
  readonly #newest = new LRUCache<ConversationId, ConversationKey>({ ...CACHE, sizeCalculation });
  readonly #wanted = new Gatherer<ConversationId, ConversationId>(WANTED, (ids) =>
    this.#loadPatiently(ids),
  );
  readonly #outage = new Outage();
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  readonly #loads: ReturnType<Metrics['counter']>;
  readonly #failures: ReturnType<Metrics['counter']>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#contentKeys = new Map(deps.contentKeys.map(({ id, key }) => [id, key]));
    const { metrics } = deps;
    this.#loads = metrics.counter(
      'kaha_conversation_key_loads_total',
      'Keys of conversations that were read from Postgres',
    );
    this.#failures = metrics.counter(
      'kaha_conversation_key_failures_total',
      'Keys of conversations that could not be unwrapped',
      ['reason'],
    );
    metrics.gauge(
      'kaha_conversation_keys_cached',
      'Keys of conversations in the cache',
      () => this.#known.size,
    );
  }

  /**
   * The map has the keys that the rows name, by `nameOf` of their places. A key that is gone or
   * cannot be unwrapped is not in it. In a transaction, `db` is the transaction: one that waited
   * for a further connection could wait for ever.
   */
  async find(
    rows: Iterable<Sealed>,
    db: Kysely<Database> = this.#deps.db,
  ): Promise<Map<string, ConversationKey>> {
    const found = new Map<string, ConversationKey>();
    const missing = new Map<string, KeyPlace>();
    for (const { conversation_id, key_id } of rows) {
      const generation = generationOf(key_id);
      if (generation === undefined) continue;
      const name = nameOf({ conversation_id, generation });
      const key = this.#known.get(name);
      if (key !== undefined) found.set(name, key);
      else missing.set(name, { conversation_id, generation });
    }
    if (missing.size === 0) return found;
    for (const row of await selectKeys(db, [...missing.values()])) {
      const key = this.#unwrap(row);
      if (key !== undefined) found.set(nameOf(row), key);
    }
    return found;
  }

  /**
   * Returns the key that a conversation's texts are encrypted with from now on, and makes it if
   * there is none. The result is undefined if the conversation does not exist. Nobody may call this
   * in a transaction, because the key is committed at once.
   */
  async newest(id: ConversationId): Promise<ConversationKey | undefined> {
    if (!isUuidV4(id)) return undefined; // Postgres would refuse all that are asked for with it.
    const known = this.#newest.get(id);
    if (known !== undefined) return known;
    if (!this.#wanted.hasRoomFor(1)) {
      throw new KahaError('DATABASE_UNAVAILABLE', 'Too many sends wait for keys');
    }
    await this.#wanted.put(id, id);
    return this.#newest.get(id);
  }

  /** Postgres said that a key is gone, so it is read anew when it is wanted. */
  forget(key: ConversationKey): void {
    const name = nameOf(key.place);
    const { conversation_id } = key.place;
    if (isSame(this.#known.peek(name), key)) this.#known.delete(name);
    if (isSame(this.#newest.peek(conversation_id), key)) this.#newest.delete(conversation_id);
  }

  /** A Postgres that has just gone is waited for as long as sends wait for it. */
  async #loadPatiently(ids: readonly ConversationId[]): Promise<void> {
    for (;;) {
      try {
        await this.#loadNewest(ids);
        return this.#outage.end();
      } catch (error) {
        const nowMs = steadyMs();
        const waits = classifyFailure(error) === 'gone';
        if (!waits || !this.#outage.mayWait(nowMs, nowMs + RETRY_MS)) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  async #loadNewest(ids: readonly ConversationId[]): Promise<void> {
    let left = ids;
    for (let tries = 1; left.length > 0; tries += 1) {
      if (tries > TRIES_MAX) throw new KahaError('DATABASE_UNAVAILABLE', 'Keys are being changed');
      const made: Made[] = [];
      for (const row of await selectNewest(this.#deps.db, left)) {
        const place = { conversation_id: row.conversation_id, generation: row.generation ?? 0 };
        const key =
          row.generation !== null && row.wrapped !== null
            ? this.#unwrap({ ...row, wrapped: row.wrapped })
            : undefined;
        if (key !== undefined) this.#newest.set(place.conversation_id, key);
        else made.push({ ...place, generation: place.generation + 1, key: randomBytes(32) });
      }
      left = await this.#insert(made);
    }
  }

  /** Returns the conversations for which others have made a key at the same time. */
  async #insert(made: readonly Made[]): Promise<ConversationId[]> {
    const [current] = this.#deps.contentKeys;
    if (current === undefined) throw new Error('no content key');
    if (made.length === 0) return [];
    const wrapped = made.map((one) => {
      this.#deps.noteUse();
      return wrapKey(one.key, current.key, placeOf(one));
    });
    const inserted = await insertKeys(this.#deps.db, { made, wrapped, keyId: current.id });
    const times = new Map(inserted.map((row) => [nameOf(row), row.created_at]));
    return made.flatMap((one) => {
      const madeAt = times.get(nameOf(one));
      if (madeAt === undefined) return one.conversation_id;
      const key = new ConversationKey(placeOf(one), one.key, madeAt);
      this.#known.set(nameOf(one), key);
      this.#newest.set(one.conversation_id, key);
      return [];
    });
  }

  #unwrap(row: FoundKey): ConversationKey | undefined {
    const contentKey = this.#contentKeys.get(row.key_id);
    try {
      if (contentKey === undefined) throw new Error(`content key ${row.key_id} is not configured`);
      const place = placeOf(row);
      const key = unwrapKey(row.wrapped, contentKey, place);
      const unwrapped = new ConversationKey(place, key, row.created_at);
      this.#known.set(nameOf(place), unwrapped);
      this.#loads.inc();
      return unwrapped;
    } catch {
      this.#noteFailure(contentKey === undefined ? 'unknown_key' : 'damaged', row.key_id);
      return undefined;
    }
  }

  #noteFailure(reason: 'unknown_key' | 'damaged', keyId: string): void {
    this.#failures.inc({ reason });
    const nowMs = steadyMs();
    if (nowMs - this.#loggedAtMs < LOG_GAP_MS) return;
    this.#loggedAtMs = nowMs;
    const message = 'the key of a conversation cannot be unwrapped';
    this.#deps.logger.error({ reason, key_id: keyId }, message);
  }
}

/** A map of keys has them under these names. */
export function nameOf({ conversation_id, generation }: KeyPlace): string {
  return `${conversation_id}@${generation}`;
}

/** A key that was read twice is one key. */
function isSame(one: ConversationKey | undefined, other: ConversationKey): boolean {
  const isOfPlace = one?.place.generation === other.place.generation;
  return isOfPlace && one?.madeAt === other.madeAt;
}

function placeOf({ conversation_id, generation }: KeyPlace): KeyPlace {
  return { conversation_id, generation };
}

function sizeCalculation(): number {
  return ENTRY_BYTES;
}
