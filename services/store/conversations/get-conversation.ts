import type { Kysely } from 'kysely';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { isReader } from '../inbox/reader.ts';
import { toConversationRecord, toReaderRecord } from '../records/conversation-record.ts';
import { lastMessagesOf, loadConversations } from '../records/conversation-rows.ts';
import { countUnread } from '../records/count-unread.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Request = { user_id: UserId; conversation_id: ConversationId };

/**
 * `conversations.get` returns one conversation as the user sees it. An agent may see some
 * conversations of the business without taking part. Refusals: CONVERSATION_NOT_FOUND;
 * NOT_A_PARTICIPANT for anybody else who never took part or has left.
 */
export async function getConversation(
  { db, ciphers }: Deps,
  request: Request,
): Promise<ConversationRecord> {
  const { user_id, conversation_id } = request;
  const [loaded] = await loadConversations(db, [conversation_id]);
  if (loaded === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const cipher = await ciphers.open(lastMessagesOf([loaded]));
  const unread = await countUnread(db, [loaded], user_id);
  const record = toConversationRecord(loaded, user_id, { cipher, nowMs: Date.now(), unread });
  if (record !== undefined) return record;
  if (await isReader(db, request)) return toReaderRecord(loaded, cipher);
  throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
}
