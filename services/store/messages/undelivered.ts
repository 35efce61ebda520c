import type { Kysely } from 'kysely';
import type { UndeliveredMessage, UndeliveredPage } from '../../../shared/contracts/messages.ts';
import { canSee } from '../../../shared/durable-events/audience.ts';
import { isUuidV4, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { selectByPlace } from '../records/message-places.ts';
import { toMessageRecord } from '../records/message-row.ts';
import { decodeCursor, encodeCursor, isIsoTime } from '../records/opaque-cursor.ts';
import { takePage } from '../records/page-bytes.ts';
import { loadReactions, toReactions } from '../records/reactions.ts';
import { loadReplyPreviews } from '../records/reply-previews.ts';
import {
  type FoundPlace,
  hasOlderUndelivered,
  selectUndelivered,
  type UndeliveredPlace,
} from './undelivered-places.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };
type Request = { user_id: UserId; cursor?: string | undefined };

const PAGE_MESSAGES_MAX = 200;

/**
 * `messages.undelivered` returns the messages of others above the user's delivered positions, from
 * all conversations of the user: at most 1000, at most 7 days old, oldest first, in pages of at
 * most 256 KiB. The last page is `complete` if no more messages than these are undelivered.
 */
export async function readUndelivered(
  { db, ciphers }: Deps,
  { user_id, cursor }: Request,
): Promise<UndeliveredPage> {
  const { after, served } = readPosition({ user_id, cursor });
  const room = Math.min(LIMITS.replayMessagesMax - served, PAGE_MESSAGES_MAX);
  const places = await selectUndelivered(db, { userId: user_id, after, limit: room + 1 });
  const loaded = await loadMessages({ db, ciphers }, { places: places.slice(0, room), user_id });
  const messages = takePage(loaded);
  const total = served + messages.length;
  const last = messages.at(-1);
  const more = messages.length < places.length;
  if (more && last !== undefined && total < LIMITS.replayMessagesMax) {
    const next_cursor = encodeCursor(listOf(user_id), [
      ...[last.sent_at, last.conversation_id, last.seq, total],
    ]);
    return { messages, next_cursor, complete: false };
  }
  const complete = !more && !(await hasOlderUndelivered(db, user_id));
  return { messages, next_cursor: null, complete };
}

type Position = { after: UndeliveredPlace | undefined; served: number };

function listOf(userId: UserId): string {
  return `undelivered ${userId}`;
}

function readPosition({ user_id, cursor }: Request): Position {
  if (cursor === undefined) return { after: undefined, served: 0 };
  const isCount = (part: unknown): boolean => Number.isSafeInteger(part) && (part as number) > 0;
  const isServed = (part: unknown): boolean =>
    isCount(part) && (part as number) < LIMITS.replayMessagesMax;
  const parts = decodeCursor(listOf(user_id), cursor, [
    ...[isIsoTime, isUuidV4, isCount, isServed],
  ]);
  const [sent_at, conversation_id, seq, served] = parts as [
    string,
    UndeliveredPlace['conversation_id'],
    number,
    number,
  ];
  return { after: { sent_at, conversation_id, seq }, served };
}

/**
 * Messages come in the order of the places; a message that is gone by now is left out, and one that
 * cannot be read comes without content and metadata.
 */
async function loadMessages(
  { db, ciphers }: Deps,
  { places, user_id }: { places: readonly FoundPlace[]; user_id: UserId },
): Promise<UndeliveredMessage[]> {
  if (places.length === 0) return [];
  const rows = await selectByPlace(db, places).execute();
  const viewers = new Map(places.map((place) => [place.conversation_id, place]));
  const replies = rows.filter(({ conversation_id, reply_to_seq }) => {
    const viewer = viewers.get(conversation_id);
    return viewer !== undefined && canSee(viewer, reply_to_seq);
  });
  const [cipher, previews, reactions] = await Promise.all([
    ciphers.open(rows),
    loadReplyPreviews(db, ciphers, replies),
    loadReactions(db, rows),
  ]);
  const keyOf = (conversationId: string, seq: number): string => `${conversationId}/${seq}`;
  const byKey = new Map(rows.map((row) => [keyOf(row.conversation_id, row.seq), row]));
  return places.flatMap((place) => {
    const row = byKey.get(keyOf(place.conversation_id, place.seq));
    if (row === undefined) return [];
    const record = toMessageRecord(row, cipher.tryDecrypt, previews.get(row.message_id));
    const sets = reactions.get(row.message_id);
    return sets === undefined ? record : { ...record, reactions: toReactions(sets, user_id) };
  });
}
