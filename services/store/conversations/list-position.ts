import { type ConversationId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import { cursorTag, isIsoTime, notGivenOut } from '../records/opaque-cursor.ts';

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
  /** The list has the first 6 hexadecimal digits of each id. */
  listed: string[];
};

/** A cursor is good for this list alone. */
type OfList = { userId: UserId; archived: boolean };

/** An append takes less than this from the time that it writes to its commit. */
const SETTLE_MS = 5_000;
/**
 * A cursor of 256 characters has room for this many ids. Beyond it the listing may miss
 * conversations whose last message was committed late.
 */
const LISTED_MAX = 50;
const DIGITS = 6;
const SHORT_ID_BYTES = DIGITS / 2;
const TIME_BYTES = 6;
/**
 * The bytes of a cursor are the tag, three times in ms since 1970, the id of the conversation, and
 * the short ids. As JSON they would take twice as much room.
 */
const PLACES = { readAt: 8, openSince: 14, activity: 20, conversationId: 26, listed: 42 };

/** The cursor leads to the page after `page`; `before` is the position that led to `page`. */
export function writePosition(
  list: OfList,
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
  return Buffer.concat([
    tagOf(list),
    ...[readAt, isTooMany ? readAt : openSince, last.activity].map(timeBytes),
    Buffer.from(last.conversation_id.replaceAll('-', ''), 'hex'),
    Buffer.from(isTooMany ? '' : listed.join(''), 'hex'),
  ]).toString('base64url');
}

/** A text that is no cursor of this list is refused with INVALID_REQUEST. */
export function readPosition(list: OfList, cursor: string): ListPosition {
  const bytes = Buffer.from(cursor, 'base64url');
  const listedBytes = bytes.length - PLACES.listed;
  const isWhole =
    listedBytes >= 0 &&
    listedBytes <= LISTED_MAX * SHORT_ID_BYTES &&
    listedBytes % SHORT_ID_BYTES === 0 &&
    bytes.subarray(0, PLACES.readAt).equals(tagOf(list));
  if (!isWhole) throw notGivenOut();
  const readAt = timeAt(bytes, PLACES.readAt);
  const openSince = timeAt(bytes, PLACES.openSince);
  const activity = timeAt(bytes, PLACES.activity);
  const hex = bytes.toString('hex', PLACES.conversationId, PLACES.listed);
  const conversationId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const isGood = [readAt, openSince, activity].every(isIsoTime) && isUuidV4(conversationId);
  if (!isGood) throw notGivenOut();
  const listed = bytes.toString('hex', PLACES.listed).match(/.{6}/g) ?? [];
  return { readAt, openSince, activity, conversationId: conversationId as ConversationId, listed };
}

function tagOf({ userId, archived }: OfList): Buffer {
  return cursorTag(`conversations ${userId} ${archived}`);
}

function timeBytes(time: string): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES);
  bytes.writeUIntBE(Date.parse(time), 0, TIME_BYTES);
  return bytes;
}

function timeAt(bytes: Buffer, place: number): string {
  return new Date(bytes.readUIntBE(place, TIME_BYTES)).toISOString();
}
