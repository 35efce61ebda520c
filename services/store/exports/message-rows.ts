import { sql } from 'kysely';
import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import { MESSAGE_COLUMNS, type MessageRow } from '../records/message-row.ts';
import { PAGE_BYTES_MAX } from '../records/page-bytes.ts';
import type { ExportDeps } from './export-step.ts';

/** Passing so many messages takes some milliseconds. */
const PASSED_MAX = 2_000;
const ROWS_MAX = 200;
/** Each has up to 36 KiB. */
const REVISIONS_MAX = 20;

type From = { conversation_id: ConversationId; seq: number };
type Scanned = {
  /** These are the person's own messages. */
  rows: MessageRow[];
  /** The conversation is read up to this `seq`. The value is undefined at its end. */
  until: number | undefined;
};
type FoundRow = { passed: number; until: number; owned: number } & (
  | MessageRow
  | { message_id: null }
);

/**
 * Reads a conversation from a `seq` on, itself included, in the order of the primary key. Only the
 * person's own messages are read whole, and no more of them than a page can hold. An index by
 * sender would cost each send more than the passing costs an export.
 */
export async function scanMessages(
  { db, userId }: ExportDeps,
  { conversation_id, seq }: From,
): Promise<Scanned> {
  const columns = sql.join(MESSAGE_COLUMNS.map((name) => sql.ref(`m.${name}`)));
  const { rows } = await sql<FoundRow>`
    with passed as materialized (
      select seq, sent_at, sender_id from messages
      where conversation_id = ${conversation_id} and seq >= ${seq}
      order by seq limit ${sql.lit(PASSED_MAX)}
    ), own as materialized (
      select seq, sent_at from passed where sender_id = ${userId}
      order by seq limit ${sql.lit(ROWS_MAX)}
    ), read as (
      select count(*) as passed, max(seq) as until, (select count(*) from own) as owned from passed
    ), sized as (
      select ${columns}, sum(coalesce(octet_length(m.content), 0)
          + coalesce(octet_length(m.metadata), 0))
          over (order by m.seq rows between unbounded preceding and 1 preceding) as bytes_before
      from own join messages m on m.conversation_id = ${conversation_id}
        and m.seq = own.seq and m.sent_at = own.sent_at
    )
    select read.*, sized.* from read left join sized
      on coalesce(bytes_before, 0) < ${sql.lit(PAGE_BYTES_MAX)}
    order by sized.seq`.execute(db);
  const [first] = rows;
  const own = rows.filter((row): row is FoundRow & MessageRow => row.message_id !== null);
  if (first === undefined) return { rows: own, until: undefined };
  const isCut = own.length < first.owned || first.owned === ROWS_MAX;
  const last = isCut ? own.at(-1) : undefined;
  if (last !== undefined) return { rows: own, until: last.seq };
  return { rows: own, until: first.passed < PASSED_MAX ? undefined : first.until };
}

export type Revision = {
  version: number;
  content: Buffer | null;
  metadata: Buffer | null;
  key_id: string;
  replaced_at: string;
};

/** The primary key gives the earlier texts of a message behind a version, the oldest first. */
export async function selectRevisions(
  { db }: ExportDeps,
  { message_id, version }: { message_id: MessageId; version: number },
): Promise<Revision[]> {
  const { rows } = await sql<Revision>`
    select version, content, metadata, key_id, replaced_at from message_revisions
    where message_id = ${message_id} and version > ${version}
    order by version limit ${sql.lit(REVISIONS_MAX)}`.execute(db);
  return rows;
}
