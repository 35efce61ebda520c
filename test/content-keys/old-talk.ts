import { randomBytes } from 'node:crypto';
import type { ContentKey } from '../../services/store/content/content-keys.ts';
import { wrapKey } from '../../services/store/content/conversation-key.ts';
import { seal } from '../../services/store/content/sealed-text.ts';
import { type ConversationId, type MessageId, newId } from '../../shared/ids.ts';
import type { Person, System } from '../stage/stack.ts';

const INSERT_TEXTS = `
  with last as (
    update conversations set last_seq = last_seq + cardinality($3::uuid[]), last_sent_at = now()
      where conversation_id = $1 returning last_seq - cardinality($3::uuid[]) as seq)
  insert into messages (conversation_id, seq, sent_at, message_id, sender_id, message_type, content,
      key_id)
    select $1, last.seq + n, date_trunc('milliseconds', now()), m, $2, 'text', c, $5
    from last, unnest($3::uuid[], $4::bytea[]) with ordinality as w (m, c, n)`;
const INSERT_KEYS = `
  insert into content_keys (conversation_id, generation, key_id, wrapped, created_at)
    select id, 1, $3, wrapped, now() from unnest($1::uuid[], $2::bytea[]) as w (id, wrapped)`;

/**
 * The first of two people has written the texts of this conversation to a store of the time before
 * conversations had keys.
 */
export class OldTalk {
  readonly texts = new Map<MessageId, string>();
  readonly #system: System;
  readonly #people: readonly [Person, Person];
  readonly #id: ConversationId;

  constructor(system: System, people: readonly [Person, Person], id: string) {
    this.#system = system;
    this.#people = people;
    this.#id = id as ConversationId;
  }

  /** The person has written so many more texts, under the content key itself. */
  async addTexts(count: number, { id, key }: ContentKey): Promise<void> {
    const ids = Array.from({ length: count }, () => newId<MessageId>());
    const sealed = ids.map((messageId) => {
      const text = `text ${this.texts.size}`;
      this.texts.set(messageId, text);
      return seal(text, { key, place: `${this.#id}/${messageId}/content` });
    });
    await this.#system.sql(INSERT_TEXTS, [this.#id, this.#people[0].id, ids, sealed, id]);
  }

  /** Returns the texts that people read otherwise than they were written. */
  async differences(): Promise<unknown[]> {
    const history = await this.#system.history(this.#people[1], this.#id);
    const read = new Map<string, unknown>(history.map((one) => [one.message_id, one.content]));
    return [...this.texts].filter(([id, text]) => read.get(id) !== text);
  }
}

/** So many conversations, of which nothing else is there, have keys under the content key. */
export async function addKeys(system: System, count: number, contentKey: ContentKey) {
  const ids = Array.from({ length: count }, () => newId<ConversationId>());
  const wrapped = ids.map((conversation_id) =>
    wrapKey(randomBytes(32), contentKey.key, { conversation_id, generation: 1 }),
  );
  await system.sql(INSERT_KEYS, [ids, wrapped, contentKey.id]);
}
