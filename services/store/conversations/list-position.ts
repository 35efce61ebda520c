import { type ConversationId, isUuidV4 } from '../../../shared/ids.ts';
import { decodeCursor, encodeCursor, isIsoTime } from '../records/opaque-cursor.ts';

/** A conversation's place in a listing; `read_at` is the first page's. */
export type ListPlace = {
  conversation_id: ConversationId;
  activity: string;
  read_at: string;
};

/**
 * Where a page ends. Later pages show the order as it was when the first was read. What was sent
 * in the 5 s before that may have been committed after it: of the time since `openSince` the
 * conversations that were shown are `listed`, all others there were not seen.
 */
export type ListPosition = {
  readAt: string;
  openSince: string;
  activity: string;
  conversationId: ConversationId;
  /** The first 8 hexadecimal digits of each id. */
  listed: string[];
};

/** More than an append takes from its time to its commit. */
const SETTLE_MS = 5_000;
/** More do not fit into a cursor: then what was committed late may be missing. */
const LISTED_MAX = 200;
const DIGITS = 8;
const SHORT_IDS = /^(?:[0-9a-f]{8}){0,200}$/;

/** The cursor after `page`, which `before` has led to. */
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
