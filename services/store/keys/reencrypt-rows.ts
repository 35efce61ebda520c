import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';

/** A row of a table that has texts under a content key itself. */
export type OldRow = {
  conversation_id: ConversationId;
  message_id: MessageId;
  content: Buffer | null;
  metadata: Buffer | null;
  key_id: string;
  /** A message has its place, and an earlier text its version. */
  seq: number;
  sent_at: string;
  version: number;
};
/** The texts of the row under the key of its conversation, and the time at which that was made. */
export type NewTexts = {
  row: OldRow;
  content: Buffer | null;
  metadata: Buffer | null;
  generation: number;
  madeAt: string;
};
/** One table is moved, batch by batch, in the order of its primary key. */
export type OldTable = {
  name: string;
  /** The texts of the table are bound to the version that had them. */
  hasVersions: boolean;
  select(db: Kysely<Database>, after: OldRow | undefined, limit: number): Promise<OldRow[]>;
  /** Writes what is still as it was read, and returns how many rows that were. */
  write(tx: Transaction<Database>, texts: readonly NewTexts[]): Promise<number>;
};

const NONE = '00000000-0000-0000-0000-000000000000';
const BEFORE_ALL = '-infinity';

export const MESSAGES: OldTable = {
  name: 'messages',
  hasVersions: false,
  async select(db, after, limit) {
    const { rows } = await sql<OldRow>`
      select conversation_id, seq, sent_at, message_id, version, content, metadata, key_id
      from messages
      where (conversation_id, seq, sent_at) > (${after?.conversation_id ?? NONE}::uuid,
          ${after?.seq ?? 0}::bigint, ${after?.sent_at ?? BEFORE_ALL}::timestamptz)
        and key_id not like '@%'
      order by conversation_id, seq, sent_at limit ${limit}`.execute(db);
    return rows;
  },
  async write(tx, texts) {
    const { numAffectedRows } = await sql`
      update messages m set content = w.content, metadata = w.metadata,
        key_id = '@' || w.generation
      from ${given(texts)}
      where m.conversation_id = w.conversation_id and m.seq = w.seq and m.sent_at = w.sent_at
        and m.key_id = w.old_key_id and m.content is not distinct from w.old_content
        and m.metadata is not distinct from w.old_metadata and ${hasKey}`.execute(tx);
    return Number(numAffectedRows ?? 0);
  },
};

/** Nothing may rewrite a row of this table, so each is written anew. */
export const REVISIONS: OldTable = {
  name: 'earlier texts',
  hasVersions: true,
  async select(db, after, limit) {
    const { rows } = await sql<OldRow>`
      select message_id, version, conversation_id, content, metadata, key_id,
        0::bigint as seq, replaced_at as sent_at
      from message_revisions
      where (message_id, version)
          > (${after?.message_id ?? NONE}::uuid, ${after?.version ?? 0}::int)
        and key_id not like '@%'
      order by message_id, version limit ${limit}`.execute(db);
    return rows;
  },
  async write(tx, texts) {
    const { rows } = await sql`
      with gone as (
        delete from message_revisions r using ${given(texts)}
        where r.message_id = w.message_id and r.version = w.version
          and r.key_id = w.old_key_id and ${hasKey}
        returning r.message_id, r.version, r.conversation_id, w.content as new_content,
          w.metadata as new_metadata, '@' || w.generation as new_key_id, r.replaced_at,
          r.replaced_by)
      insert into message_revisions (message_id, version, conversation_id, content, metadata,
        key_id, replaced_at, replaced_by)
      select message_id, version, conversation_id, new_content, new_metadata, new_key_id,
        replaced_at, replaced_by from gone
      returning message_id`.execute(tx);
    return rows.length;
  },
};

/** The caller has locked the conversations against erasures. */
const hasKey = sql`exists (select from content_keys k
  where k.conversation_id = w.conversation_id and k.generation = w.generation
    and k.created_at = w.made_at and k.wrapped is not null)`;

function given(texts: readonly NewTexts[]) {
  const of = <Name extends keyof OldRow>(name: Name): OldRow[Name][] =>
    texts.map(({ row }) => row[name]);
  return sql`unnest(${of('conversation_id')}::uuid[], ${of('message_id')}::uuid[],
    ${of('seq')}::bigint[], ${of('sent_at')}::timestamptz[], ${of('version')}::int[],
    ${of('key_id')}::text[], ${of('content')}::bytea[], ${of('metadata')}::bytea[],
    ${texts.map(({ content }) => content)}::bytea[],
    ${texts.map(({ metadata }) => metadata)}::bytea[],
    ${texts.map(({ generation }) => generation)}::int[],
    ${texts.map(({ madeAt }) => madeAt)}::timestamptz[])
    as w (conversation_id, message_id, seq, sent_at, version, old_key_id, old_content,
      old_metadata, content, metadata, generation, made_at)`;
}
