import { type Kysely, sql, type Transaction } from 'kysely';
import { type ConversationId, NOBODY, type UserId } from '../../../shared/ids.ts';
import { encrypt, type WritingCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { assertKey, KeyGone } from '../content/key-gone.ts';
import { keyNameOf } from '../content/key-name.ts';
import type { Database } from '../database/schema.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  openContent,
  openMetadata,
} from '../records/message-row.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Range = { conversationId: ConversationId; after: number; upTo: number; userId: UserId };

/** The new texts of a system message. One that cannot be read loses them. */
type Rewritten = {
  row: MessageRow;
  sender_id: UserId;
  content: string | undefined;
  said: object | undefined;
};

/**
 * A system message tells of nobody what it told of the user: who did something, or to whom it was
 * done. A title that the user gave is left out there. The result is false if a message was changed
 * meanwhile, and the page has to be looked at again.
 */
export async function eraseSystemMessages(deps: Deps, range: Range): Promise<boolean> {
  const rows = await select(deps.db, range);
  if (rows.length === 0) return true;
  const { conversationId } = range;
  const cipher = await deps.ciphers.openToWrite(conversationId, rows);
  if (cipher === undefined) return true;
  const rewritten = rows.flatMap((row) => rewrite(row, cipher, range.userId) ?? []);
  if (rewritten.length === 0) return true;
  try {
    return await deps.db.transaction().execute((tx) => write(tx, rewritten, cipher));
  } catch (error) {
    if (!(error instanceof KeyGone)) throw error;
    deps.ciphers.forget(cipher.key);
    return false;
  }
}

function select(db: Kysely<Database>, range: Range): Promise<MessageRow[]> {
  return db
    .selectFrom('messages')
    .select(MESSAGE_COLUMNS)
    .where('conversation_id', '=', range.conversationId)
    .where('seq', '>', range.after)
    .where('seq', '<=', range.upTo)
    .where('message_type', '=', 'system')
    .orderBy('seq')
    .execute();
}

function rewrite(row: MessageRow, cipher: WritingCipher, userId: UserId): Rewritten | undefined {
  const isOwn = row.sender_id === userId;
  const sender_id = isOwn ? NOBODY : row.sender_id;
  const metadata = openMetadata(row, cipher.tryDecrypt);
  if (metadata === undefined) {
    return isOwn ? { row, sender_id, content: undefined, said: undefined } : undefined;
  }
  const { value, ...said } = JSON.parse(metadata) as { user_id?: string; value?: string };
  const isNamed = said.user_id === userId;
  if (!isOwn && !isNamed) return undefined;
  const content = openContent(row, cipher.tryDecrypt);
  return {
    row,
    sender_id,
    content: isOwn && value !== undefined ? 'It was changed' : content,
    said: {
      ...said,
      ...(value !== undefined && !isOwn && { value }),
      ...(isNamed && { user_id: NOBODY }),
    },
  };
}

async function write(
  tx: Transaction<Database>,
  rewritten: readonly Rewritten[],
  cipher: WritingCipher,
): Promise<boolean> {
  const { conversation_id } = cipher.key.place;
  // The lock of the conversation keeps its key from being erased meanwhile.
  await sql`select from conversations where conversation_id = ${conversation_id}
    for key share`.execute(tx);
  await assertKey(tx, cipher.key);
  let isWhole = true;
  for (const { row, sender_id, content, said } of rewritten) {
    const { message_id, seq, sent_at, version, key_id } = row;
    const place = { conversation_id, message_id };
    const sealed =
      content === undefined ? null : encrypt(content, cipher, { ...place, field: 'content' });
    const metadata =
      said === undefined
        ? null
        : encrypt(JSON.stringify(said), cipher, { ...place, field: 'metadata' });
    const isNobodys = sealed === null || said === undefined;
    const { numAffectedRows } = await sql`
      update messages set content = ${isNobodys ? null : sealed},
        metadata = ${isNobodys ? null : metadata},
        key_id = ${keyNameOf(cipher.key.place.generation)}, version = version + 1,
        deleted_at = case when ${isNobodys} then date_trunc('milliseconds', clock_timestamp()) end,
        sender_id = ${sender_id}
      where conversation_id = ${conversation_id} and seq = ${seq} and sent_at = ${sent_at}
        and message_id = ${message_id} and version = ${version} and key_id = ${key_id}`.execute(tx);
    if (numAffectedRows !== 1n) isWhole = false;
  }
  return isWhole;
}
