import { type ConversationId, isUuidV4 } from '../../shared/ids.ts';
import { decodeCursor, encodeCursor, isIsoTime } from './opaque-cursor.ts';

/** A conversation's place in a listing; `settled_at` is the first page's. */
export type ListPlace = {
  conversation_id: ConversationId;
  activity: string;
  settled_at: string;
};

/**
 * Where a page ends. What was sent up to `settledAt`, 5 s before the first page was read, was
 * committed by then: the order as of that time does not change any more, and the later pages show
 * that order. The first page shows newer activity too; who was listed there because of it is
 * `listed`, and not shown again.
 */
export type ListPosition = {
  settledAt: string;
  activity: string;
  conversationId: ConversationId;
  /** The first 8 hexadecimal digits of each id. */
  listed: string[];
};

const LAST_ID = 'ffffffff-ffff-4fff-bfff-ffffffffffff' as ConversationId;
const DIGITS = 8;
const SHORT_IDS = /^(?:[0-9a-f]{8}){0,200}$/;

/** The cursor after `page`, which `before` has led to. */
export function writePosition(
  page: readonly ListPlace[],
  before: ListPosition | undefined,
): string {
  const last = page.at(-1) as ListPlace;
  const { settled_at: settledAt } = last;
  const recent = page.filter(({ activity }) => activity > settledAt);
  const listed = before?.listed ?? recent.map(({ conversation_id: id }) => id.slice(0, DIGITS));
  const isSettled = last.activity <= settledAt;
  return encodeCursor([
    settledAt,
    isSettled ? last.activity : settledAt,
    isSettled ? last.conversation_id : LAST_ID,
    Buffer.from(listed.join(''), 'hex').toString('base64url'),
  ]);
}

export function readPosition(cursor: string): ListPosition {
  const parts = decodeCursor(cursor, [isIsoTime, isIsoTime, isUuidV4, isShortIds]);
  const [settledAt, activity, conversationId, shortIds] = parts as [
    string,
    string,
    ConversationId,
    string,
  ];
  return { settledAt, activity, conversationId, listed: hexOf(shortIds).match(/.{8}/g) ?? [] };
}

function isShortIds(part: unknown): boolean {
  return typeof part === 'string' && SHORT_IDS.test(hexOf(part));
}

function hexOf(text: string): string {
  return Buffer.from(text, 'base64url').toString('hex');
}
