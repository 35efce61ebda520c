import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import { type ContentCipher, createContentCipher, type WritingCipher } from './content-cipher.ts';
import type { ContentKey } from './content-keys.ts';
import type { ConversationKey } from './conversation-key.ts';
import { type ConversationKeys, nameOf } from './conversation-keys.ts';
import { generationOf } from './key-name.ts';
import type { NoteUnreadable } from './unreadable-texts.ts';

type Deps = {
  keys: ConversationKeys;
  contentKeys: readonly ContentKey[];
  noteUnreadable?: NoteUnreadable;
};
/** This row of a message has texts that are to be read. */
type Row = {
  conversation_id: ConversationId;
  message_id: MessageId;
  content: Buffer | null;
  key_id: string;
};
type FoundKeys = ReadonlyMap<string, ConversationKey>;

/**
 * A key that opens nothing is looked up anew this rarely, since most often a text is damaged. Where
 * so many keys are doubted, some of them are looked up more often.
 */
const DOUBTED = { max: 10_000, ttl: 60_000 };

/**
 * Opens ciphers for the rows of a page or a batch, in at most one query, so that each text is then
 * read without waiting. A failover may have lost a key that is cached here, and another store may
 * have made the same generation again. So a key that does not open its first text here is looked up
 * anew, in a second query.
 */
export class ContentCiphers {
  readonly #deps: Deps;
  readonly #contentKeys: ReadonlyMap<string, Buffer>;
  readonly #doubted = new LRUCache<string, true>(DOUBTED);

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#contentKeys = new Map(deps.contentKeys.map(({ id, key }) => [id, key]));
  }

  /** In a transaction, `db` is the transaction. */
  async open(rows: Iterable<Row>, db?: Kysely<Database>): Promise<ContentCipher> {
    const { found, opened } = await this.#find([...rows], db);
    return this.#cipherOf(found, opened);
  }

  /**
   * The cipher also writes texts of the conversation, and may read the rows. The result is
   * undefined if the conversation does not exist. Nobody may call this in a transaction.
   */
  async openToWrite(
    id: ConversationId,
    rows: Iterable<Row> = [],
  ): Promise<WritingCipher | undefined> {
    const key = await this.#deps.keys.newest(id);
    if (key === undefined) return undefined;
    const all = [...rows];
    if (all.length === 0) return this.openWith(key);
    const { found, opened } = await this.#find(all);
    const keys = new Map(found).set(nameOf(key.place), key);
    return { ...this.#cipherOf(keys, opened), key };
  }

  /** The cipher writes with the key, and reads what is under it or under a content key. */
  openWith(key: ConversationKey): WritingCipher {
    return { ...this.#cipherOf(new Map([[nameOf(key.place), key]])), key };
  }

  /** Postgres has refused a text because this key is gone. */
  forget(key: ConversationKey): void {
    this.#deps.keys.forget(key);
  }

  /** The first text of each key is opened here, and `opened` keeps it for the cipher. */
  async #find(rows: readonly Row[], db?: Kysely<Database>) {
    const { keys } = this.#deps;
    const found: FoundKeys = await keys.find(rows, db);
    const opened = new Map<Buffer, string>();
    const doubted = this.#open(rows, found, opened).filter((key) => this.#mayLookAnew(key));
    if (doubted.length === 0) return { found, opened };
    for (const key of doubted) keys.forget(key);
    return { found: await keys.find(rows, db), opened };
  }

  /** Returns the keys that do not open the first text that they are for. */
  #open(rows: readonly Row[], keys: FoundKeys, opened: Map<Buffer, string>): ConversationKey[] {
    const cipher = createContentCipher({ contentKeys: this.#contentKeys, keys });
    const tried = new Set<ConversationKey>();
    return rows.flatMap(({ conversation_id, message_id, content, key_id }) => {
      const generation = generationOf(key_id);
      if (content === null || generation === undefined) return [];
      const key = keys.get(nameOf({ conversation_id, generation }));
      if (key === undefined || tried.has(key)) return [];
      tried.add(key);
      const place = { conversation_id, message_id, field: 'content' as const };
      const text = cipher.tryDecrypt(content, key_id, place);
      if (text === undefined) return key;
      opened.set(content, text);
      return [];
    });
  }

  #mayLookAnew({ place }: ConversationKey): boolean {
    const name = nameOf(place);
    if (this.#doubted.has(name)) return false;
    this.#doubted.set(name, true);
    return true;
  }

  #cipherOf(keys: FoundKeys, opened?: ReadonlyMap<Buffer, string>): ContentCipher {
    const { noteUnreadable } = this.#deps;
    return createContentCipher({ contentKeys: this.#contentKeys, keys, opened, noteUnreadable });
  }
}
