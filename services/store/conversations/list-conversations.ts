import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { ConversationsList } from '../../../shared/contracts/conversations.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import type { TimesAhead } from '../database/times-ahead.ts';
import { toConversationRecord } from '../records/conversation-record.ts';
import { lastMessagesOf, loadConversations } from '../records/conversation-rows.ts';
import { countUnread } from '../records/count-unread.ts';
import { isAhead } from '../records/sent-after.ts';
import type { ChatListCache } from './chat-list-cache.ts';
import {
  correctActivity,
  type List,
  type MarkedPlace,
  selectAfter,
  selectFirst,
} from './list-places.ts';
import { type ListPlace, type ListPosition, readPosition, writePosition } from './list-position.ts';

type Deps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  /** Without a cache, every page comes from Postgres. */
  chatLists?: ChatListCache | undefined;
  timesAhead: TimesAhead;
  logger: Logger;
};

/**
 * `conversations.list` pages through a user's conversations, newest activity first. A listing shows
 * each conversation once, whatever is sent meanwhile: later pages keep the order that held when the
 * first page was read, see `ListPosition`. A conversation that is created meanwhile may be missing;
 * its event tells the client of it.
 */
export function createListConversations(deps: Deps) {
  const { db, ciphers, chatLists } = deps;
  const show = async (list: List, places: ListPlace[], position?: ListPosition) => {
    const page = places.slice(0, list.limit - 1);
    const ids = page.map(({ conversation_id }) => conversation_id);
    const loaded = await loadConversations(db, ids);
    const cipher = await ciphers.open(lastMessagesOf(loaded));
    const unread = await countUnread(db, loaded, list.userId);
    const options = { cipher, nowMs: Date.now(), unread };
    const records = loaded.flatMap((one) => toConversationRecord(one, list.userId, options) ?? []);
    const isLast = places.length < list.limit;
    return { records, next_cursor: isLast ? null : writePosition(list, page, position) };
  };
  return async ({ user_id, cursor, archived, limit: asked }: ConversationsList) => {
    const limit = Math.min(Math.max(asked ?? LIMITS.pageLimitDefault, 1), LIMITS.pageLimitMax) + 1;
    const list = { userId: user_id, archived: archived === true, limit };
    if (cursor !== undefined) {
      const position = readPosition(list, cursor);
      return await show(list, await selectAfter(db, list, position), position);
    }
    const places = selectInTime(deps, list);
    const load = async () => await show(list, await places);
    if (chatLists === undefined) return await load();
    return await chatLists.page(list, { stamp: places.then(stampOf), load });
  };
}

/**
 * A conversation that was active while the clock of Postgres was ahead would stay on top of every
 * list until the clock gets there. So it is as active as one of now, from the first list on.
 */
async function selectInTime(deps: Deps, list: List): Promise<MarkedPlace[]> {
  const { db, timesAhead, logger } = deps;
  const places = await selectFirst(db, list);
  const wrong = places.filter(({ activity, read_at: readAt }) => isAhead(activity, readAt));
  if (wrong.length === 0) return places;
  try {
    const ids = wrong.map(({ conversation_id }) => conversation_id);
    timesAhead.note('list', await correctActivity(db, ids));
    return await selectFirst(db, list);
  } catch (error) {
    logger.debug({ err: error }, 'activity not corrected');
    return places;
  }
}

function stampOf(places: readonly MarkedPlace[]): string {
  const hash = createHash('sha256');
  for (const { conversation_id, mark } of places) hash.update(`${conversation_id} ${mark},`);
  return hash.digest('base64url');
}
