import { type Kysely, sql } from 'kysely';
import type { InConversation } from '../../../shared/contracts/conversations.ts';
import type { HistoryRequest } from '../../../shared/contracts/messages.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Database } from '../database/schema.ts';
import { readerOf } from '../inbox/reader.ts';
import type { MessageRow } from '../records/message-row.ts';
import { isIsoTime } from '../records/opaque-cursor.ts';
import { PAGE_BYTES_MAX } from '../records/page-bytes.ts';
import { shownOf } from '../records/visible-from.ts';

/** A row adds at least this much to a page, beside its content. */
const ROW_BYTES = 300;

type HistoryRange = {
  order: 'asc' | 'desc';
  beforeSeq?: number;
  afterSeq?: number;
  since?: string;
  limit: number;
};

/** A request with more than one bound, or a malformed bound, is refused with INVALID_REQUEST. */
export function readRange(request: HistoryRequest): HistoryRange {
  const { before_seq, after_seq, since, limit = LIMITS.pageLimitDefault } = request;
  const bounds = [before_seq, after_seq, since].filter((bound) => bound !== undefined);
  if (bounds.length > 1) {
    throw new KahaError('INVALID_REQUEST', 'Only one of before_seq, after_seq and since');
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMITS.pageLimitMax) {
    throw new KahaError(
      'INVALID_REQUEST',
      `limit is a whole number from 1 to ${LIMITS.pageLimitMax}`,
    );
  }
  if (after_seq !== undefined) return { order: 'asc', afterSeq: after_seq, limit };
  if (since !== undefined) return { order: 'asc', since: readSince(since), limit };
  return { order: 'desc', limit, ...(before_seq !== undefined && { beforeSeq: before_seq }) };
}

function readSince(since: string): string {
  const ms = Date.parse(since);
  if (Number.isNaN(ms)) throw new KahaError('INVALID_REQUEST', 'since is not a time');
  const time = new Date(ms).toISOString();
  if (!isIsoTime(time)) throw new KahaError('INVALID_REQUEST', 'since is out of range');
  return time;
}

/** `matching` counts the messages that match, up to `limit` + 1. */
type HistoryRow = MessageRow & { matching: number };

/** A reader is an agent who reads a conversation of the business without taking part. */
type Selection = { viewer: InConversation; as: 'participant' | 'reader'; range: HistoryRange };

/**
 * The query returns rows from the bound on, in the direction of paging, and no more than a page can
 * hold. The statement itself judges who may see what, so a user who was removed a moment
 * ago reads nothing. The inner select walks the primary key, in no partition that has passed the
 * retention time. The window function around it adds up the bytes, so that the page is cut at its
 * maximum.
 */
export async function selectHistory(
  db: Kysely<Database>,
  { viewer, as, range }: Selection,
): Promise<HistoryRow[]> {
  const { conversation_id } = viewer;
  const order = sql.raw(range.order);
  const { rows } = await sql<HistoryRow>`
    select * from (
      select found.*, count(*) over () as matching,
        sum(coalesce(octet_length(content), 0) + coalesce(octet_length(metadata), 0)
          + ${sql.lit(ROW_BYTES)}) over (
            order by seq ${order} rows between unbounded preceding and 1 preceding) as bytes_before
      from (
        select m.conversation_id, m.seq, m.sent_at, m.message_id, m.sender_id, m.client_msg_id,
          m.message_type, m.content, m.metadata, m.key_id, m.version, m.reply_to, m.reply_to_seq,
          m.edited_at, m.deleted_at
        from ${as === 'reader' ? readerOf(viewer) : participantOf(viewer)}
        join messages m using (conversation_id)
        where m.conversation_id = ${conversation_id} and m.seq >= first_visible_seq
          and m.sent_at > coalesce(retention_limit(), '-infinity')
          and ${boundOf(conversation_id, range)}
        order by m.seq ${order}
        limit ${range.limit + 1}
      ) found
    ) sized
    where coalesce(bytes_before, 0) < ${sql.lit(PAGE_BYTES_MAX)}
    order by seq ${order}`.execute(db);
  return rows;
}

function participantOf({ user_id, conversation_id }: InConversation) {
  return sql`(select conversation_id,
      greatest(p.first_visible_seq, c.first_seq) as first_visible_seq
    from ${shownOf(conversation_id)} c join participants p using (conversation_id)
    where p.user_id = ${user_id} and p.left_at is null offset 0) p`;
}

/**
 * A clock that jumped may have left a time above those behind it, so a range in time begins behind
 * the last message that is older. Without that, the page would have holes.
 */
function boundOf(id: ConversationId, { beforeSeq, afterSeq, since }: HistoryRange) {
  if (beforeSeq !== undefined) return sql`m.seq < ${beforeSeq}`;
  if (afterSeq !== undefined) return sql`m.seq > ${afterSeq}`;
  if (since !== undefined) {
    return sql`m.seq > coalesce((select o.seq from messages o
      where o.conversation_id = ${id} and o.sent_at < ${since} order by o.seq desc limit 1), 0)`;
  }
  return sql`true`;
}
