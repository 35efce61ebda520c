import { type Kysely, sql } from 'kysely';
import { type MessageId, NOBODY, type UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { eraseSystemMessages } from './erase-system-messages.ts';
import type { InConversation } from './erasure-place.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Erasing = { at: InConversation; userId: UserId };

/** A page of so many messages takes some 20 ms. */
const PAGE = 1_000;

/**
 * Erases what the user wrote in the next page of a conversation. A text becomes a tombstone of
 * nobody, and its earlier texts and reactions go. Who changed another's message is nobody from now
 * on. The result is the place behind the page.
 */
export async function eraseTexts(deps: Deps, { at, userId }: Erasing): Promise<InConversation> {
  const range = { conversationId: at.conversation_id, after: at.seq, upTo: at.seq + PAGE };
  const isWhole = await eraseSystemMessages(deps, { ...range, userId });
  if (!isWhole) return at; // Somebody has changed one of them meanwhile.
  await deps.db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ message_id: MessageId }>`
      update messages set sender_id = ${NOBODY}::uuid, content = null, metadata = null,
        client_msg_id = null, version = version + 1,
        deleted_at = coalesce(deleted_at, date_trunc('milliseconds', clock_timestamp()))
      where conversation_id = ${range.conversationId} and seq > ${range.after}::bigint
        and seq <= ${range.upTo}::bigint and sender_id = ${userId} and message_type <> 'system'
      returning message_id`.execute(tx);
    const ids = rows.map(({ message_id }) => message_id);
    await sql`delete from reactions where message_id = any(${ids}::uuid[])`.execute(tx);
    await sql`delete from message_revisions where message_id = any(${ids}::uuid[])`.execute(tx);
    await forgetReviser(tx, range, userId);
  });
  return { ...at, seq: range.upTo };
}

type Range = { conversationId: InConversation['conversation_id']; after: number; upTo: number };
type Revision = {
  message_id: MessageId;
  version: number;
  conversation_id: string;
  content: Buffer | null;
  metadata: Buffer | null;
  key_id: string;
  replaced_at: string;
};

/** An earlier text may not be rewritten, but it may be deleted and written once more. */
async function forgetReviser(tx: Kysely<Database>, range: Range, userId: UserId): Promise<void> {
  const { rows } = await sql<Revision>`
    delete from message_revisions r using messages m
    where m.conversation_id = ${range.conversationId} and m.seq > ${range.after}::bigint
      and m.seq <= ${range.upTo}::bigint and m.version > 1
      and r.message_id = m.message_id and r.replaced_by = ${userId}
    returning r.*`.execute(tx);
  for (const row of rows) {
    await sql`insert into message_revisions (message_id, version, conversation_id, content,
        metadata, key_id, replaced_at, replaced_by)
      values (${row.message_id}, ${row.version}, ${row.conversation_id}, ${row.content},
        ${row.metadata}, ${row.key_id}, ${row.replaced_at}, ${NOBODY})`.execute(tx);
  }
}

/** Deletes the next page of a conversation of nobody, with all that hangs on its messages. */
export async function deleteTexts(
  { db }: Pick<Deps, 'db'>,
  at: InConversation,
): Promise<InConversation> {
  const upTo = at.seq + PAGE;
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ message_id: MessageId }>`
      delete from messages where conversation_id = ${at.conversation_id}
        and seq > ${at.seq}::bigint and seq <= ${upTo}::bigint returning message_id`.execute(tx);
    const ids = rows.map(({ message_id }) => message_id);
    await sql`delete from reactions where message_id = any(${ids}::uuid[])`.execute(tx);
    await sql`delete from message_revisions where message_id = any(${ids}::uuid[])`.execute(tx);
  });
  return { ...at, seq: upTo };
}
