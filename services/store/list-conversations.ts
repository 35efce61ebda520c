import type { Kysely } from 'kysely';
import type { ConversationRecord, ConversationsList } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { toConversationRecord } from './conversation-record.ts';
import { loadConversations } from './conversation-rows.ts';
import { selectAfter, selectFirst } from './list-places.ts';
import { readPosition, writePosition } from './list-position.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };
type Page = { records: ConversationRecord[]; next_cursor: string | null };

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/**
 * `conversations.list`, newest activity first. A listing shows each conversation once, whatever is
 * sent while it is paged: later pages show the order as it was when the first was read, see
 * `ListPosition`. What is created meanwhile may be missing; its event tells of it.
 */
export async function listConversations(
  { db, cipher }: Deps,
  request: ConversationsList,
): Promise<Page> {
  const limit = Math.min(Math.max(request.limit ?? LIMIT_DEFAULT, 1), LIMIT_MAX);
  const position = request.cursor === undefined ? undefined : readPosition(request.cursor);
  const list = { userId: request.user_id, archived: request.archived === true, limit: limit + 1 };
  const places = await (position ? selectAfter(db, list, position) : selectFirst(db, list));
  const page = places.slice(0, limit);
  const loaded = await loadConversations(
    db,
    page.map(({ conversation_id }) => conversation_id),
  );
  const options = { cipher, nowMs: Date.now() };
  const records = loaded.flatMap(
    (one) => toConversationRecord(one, request.user_id, options) ?? [],
  );
  const next_cursor = places.length > limit ? writePosition(page, position) : null;
  return { records, next_cursor };
}
