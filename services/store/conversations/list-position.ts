import { type ConversationId, isUuidV4 } from '../../../shared/ids.ts';
import { decodeCursor, encodeCursor, isIsoTime } from '../records/opaque-cursor.ts';

/** A conversation has this place in a listing; `read_at` is the time of the first page. */
export type ListPlace = {
  conversation_id: ConversationId;
  activity: string;
  read_at: string;
};

/**
 * The position says where a page ends. Later pages keep the order that held when the first page was
 * read, at `readAt`. A message that was sent up to 5 s before may have been committed after it. So
 * the conversations with activity since `openSince` that a page showed are `listed`; all others
 * with activity since then were not shown.
 */
export type ListPosition = {
  readAt: string;
  openSince: string;
  activity: string;
  conversationId: ConversationId;
  /** The list has the first 8 hexadecimal digits of each id. */
  listed: string[];
};

/** An append takes less than this from the time that it writes to its commit. */
const SETTLE_MS = 5_000;
/**
 * A cursor has room for this many ids. Beyond it the listing may miss conversations whose last
 * message was committed late.
 */
const LISTED_MAX = 200;
const DIGITS = 8;
const SHORT_IDS = /^(?:[0-9a-f]{8}){0,200}$/;

/** The cursor leads to the page after `page`; `before` is the position that led to `page`. */
export function writePosition(
  page: readonly ListPlace[],
  before: ListPosition | undefined,
): string {
  const last = page.at(-1) as ListPlace;
  const { read_at: readAt } = last;
  const settledAt = new Date(Date.parse(readAt) - SETTLE_MS).toISOString();
  const openSince = before?.openSince ?? settledAt;
  const recent = page.filter(({ activity }) => activity > openSince);
  const ids = recent.map(({ conversation_id: id }) => id.slice(0, DIGITS));
  const listed = [...(before?.listed ?? []), ...ids];
  const isTooMany = listed.length > LISTED_MAX;
  return encodeCursor([
    readAt,
    isTooMany ? readAt : openSince,
    last.activity,
    last.conversation_id,
    isTooMany ? '' : Buffer.from(listed.join(''), 'hex').toString('base64url'),
  ]);
}

export function readPosition(cursor: string): ListPosition {
  const parts = decodeCursor(cursor, [isIsoTime, isIsoTime, isIsoTime, isUuidV4, isShortIds]);
  const [readAt, openSince, activity, conversationId, shortIds] = parts as [
    string,
    string,
    string,
    ConversationId,
    string,
  ];
  const listed = hexOf(shortIds).match(/.{8}/g) ?? [];
  return { readAt, openSince, activity, conversationId, listed };
}

function isShortIds(part: unknown): boolean {
  return typeof part === 'string' && SHORT_IDS.test(hexOf(part));
}

function hexOf(text: string): string {
  return Buffer.from(text, 'base64url').toString('hex');
}
