import type { Kysely } from 'kysely';
import type { ConversationRecord } from '../../../shared/contracts/conversations.ts';
import type { InboxList, InboxPage } from '../../../shared/contracts/inbox-reads.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { forbidden } from '../businesses/business-rights.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { toConversationRecord, toReaderRecord } from '../records/conversation-record.ts';
import { lastMessagesOf, loadConversations } from '../records/conversation-rows.ts';
import { countUnread } from '../records/count-unread.ts';
import { inboxCursor, selectInboxPlaces } from './inbox-places.ts';
import { readHead } from './read-head.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };

/** The records of a page are at most this long as JSON, but for the first one. */
const PAGE_BYTES_MAX = 512 * 1024;

/**
 * `inbox.list` pages through a view of the inbox of a business: those who wait longest come first,
 * and of the closed conversations the newest. Agents see what waits, what they have, and the closed
 * ones that they had last; managers see all. One snapshot judges the caller and gives the page, the
 * version and the counts. FORBIDDEN refuses all others, and agents who ask for `assigned`.
 */
export async function listInbox({ db, ciphers }: Deps, request: InboxList): Promise<InboxPage> {
  const { user_id, business_id, view } = request;
  const limit = Math.min(request.limit ?? LIMITS.pageLimitDefault, LIMITS.pageLimitMax);
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  return snapshot.execute(async (tx) => {
    const head = await readHead(tx, { business_id, user_ids: [user_id] });
    const role = head.roles[user_id];
    if (role === undefined) throw forbidden('Only agents of the business may read its inbox');
    const isManager = role === 'manager';
    if (view === 'assigned' && !isManager) throw forbidden('Only managers may read this view');
    const isAll = isManager && view !== 'mine';
    const places = await selectInboxPlaces(tx, request, { isAll, limit: limit + 1 });
    const ids = places.slice(0, limit).map(({ conversation_id }) => conversation_id);
    const loaded = await loadConversations(tx, ids);
    const cipher = await ciphers.open(lastMessagesOf(loaded), tx);
    const unread = await countUnread(tx, loaded, user_id);
    const options = { cipher, nowMs: Date.now(), unread };
    const records = takePage(
      loaded.map(
        (one) => toConversationRecord(one, user_id, options) ?? toReaderRecord(one, cipher),
      ),
    );
    const last = places[records.length - 1];
    const isLast = last === undefined || records.length === places.length;
    const { version, waiting, assigned, mine } = head;
    return {
      records,
      next_cursor: isLast ? null : inboxCursor(request, last),
      version,
      counts: { waiting, assigned, mine: mine[user_id] ?? 0 },
    };
  });
}

/** A page that would be too long ends earlier. */
function takePage(records: readonly ConversationRecord[]): ConversationRecord[] {
  let bytes = 0;
  const page: ConversationRecord[] = [];
  for (const record of records) {
    bytes += Buffer.byteLength(JSON.stringify(record));
    if (page.length > 0 && bytes > PAGE_BYTES_MAX) break;
    page.push(record);
  }
  return page;
}
