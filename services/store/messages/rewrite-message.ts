import { type Kysely, sql } from 'kysely';
import type {
  HistoryMessage,
  MessageTarget,
  ReactionSet,
} from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { canSee } from '../../../shared/durable-events/audience.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type EventId, newId, type UserId } from '../../../shared/ids.ts';
import {
  type ContentCipher,
  encrypt,
  type MessageCipherPlace,
  type WritingCipher,
} from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { keyNameOf } from '../content/key-name.ts';
import type { Pool } from '../database/pool.ts';
import type { Database } from '../database/schema.ts';
import {
  MESSAGE_COLUMNS,
  type MessageRow,
  openContent,
  openMetadata,
} from '../records/message-row.ts';
import { type Participant, selectParticipants } from '../records/message-status.ts';
import { loadReactions, toReactionSets } from '../records/reactions.ts';
import { showMessages } from '../records/shown-messages.ts';
import { noSuchMessage } from './find-message.ts';
import type { DeletionReason } from './message-rights.ts';
import { toMessageUpdate } from './message-update.ts';

export type RewriteDeps = { db: Kysely<Database>; pool: Pool; ciphers: ContentCiphers };

/** The viewer can see this message; `at` is the database's time of the query. */
type FoundMessage = {
  row: MessageRow;
  participants: Participant[];
  viewer: Participant;
  at: string;
};
/** A rewrite is an edit, with the encrypted columns, or a deletion, with its reason. */
export type Rewrite =
  | { change: 'edited'; content: Buffer; metadata: Buffer | null }
  | { change: 'deleted'; reason: DeletionReason };
export type Rewritten = { message: HistoryMessage; entry?: OutboxEntry };

/**
 * Only a concurrent change of the same message, or of the user's role, makes another try necessary.
 */
const TRIES_MAX = 5;
const BUSY_RETRY_AFTER_S = 1;

/**
 * The call reads the message, has `judge` decide, and writes in one transaction, but only if all
 * that was judged still holds. It writes the message with its next version, the earlier text for
 * audits, and the outbox row of the event. `judge` throws the refusal, or returns undefined if
 * nothing is to change. A user who does not take part, or does not see that far back, gets
 * MESSAGE_NOT_FOUND.
 */
export async function rewriteMessage(
  deps: RewriteDeps,
  target: MessageTarget,
  judge: (found: FoundMessage, cipher: WritingCipher) => Rewrite | undefined,
): Promise<Rewritten> {
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const found = await findMessage(deps, target);
    const cipher = await deps.ciphers.openToWrite(found.row.conversation_id, [found.row]);
    if (cipher === undefined) throw noSuchMessage();
    const rewrite = judge(found, cipher);
    if (rewrite === undefined) {
      const reactions = await loadReactions(deps.db, [found.row]);
      return { message: await show(deps, found, { row: found.row, reactions }) };
    }
    const eventId = newId<EventId>();
    const written = await write(deps, found, { rewrite, eventId, cipher });
    if (written === undefined) continue;
    const { row, sets } = written;
    const reactions = new Map([[row.message_id, sets]]);
    const message = await show(deps, found, { row, reactions });
    return { message, entry: toEntry(eventId, { ...written, rewrite }, cipher) };
  }
  const options = { retryAfterS: BUSY_RETRY_AFTER_S };
  throw new KahaError('DATABASE_UNAVAILABLE', 'The message is being changed', options);
}

async function findMessage(
  { db }: RewriteDeps,
  { user_id, message_id, place }: MessageTarget,
): Promise<FoundMessage> {
  const [row, participants] = await Promise.all([
    db
      .selectFrom('messages')
      .select(MESSAGE_COLUMNS)
      .select(sql<string>`clock_timestamp()::timestamptz(3)`.as('at'))
      .where('conversation_id', '=', place.conversation_id)
      .where('seq', '=', place.seq)
      .where('sent_at', '=', place.sent_at)
      .where('message_id', '=', message_id)
      .executeTakeFirst(),
    selectParticipants(db, place.conversation_id),
  ]);
  const viewer = participants.find((participant) => participant.user_id === user_id);
  if (row === undefined || viewer === undefined || !canSee(viewer, row.seq)) throw noSuchMessage();
  return { row, participants, viewer, at: row.at };
}

const REWRITE = `select * from rewrite_message($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
  $13, $14, $15, $16, $17)`;

type Answer = {
  status: 'ok' | 'stale' | 'key_gone';
  version: number;
  changed_at: string;
  /** These participants see the message. */
  seers: UserId[];
  /** A message without reactions has null here. */
  emojis: string[] | null;
  reactors: UserId[] | null;
};
type Written = { row: MessageRow; sets: ReactionSet[]; seers: UserId[]; changedAt: string };

type Writing = { rewrite: Rewrite; eventId: EventId; cipher: WritingCipher };

/**
 * The result is undefined if what was judged no longer holds: the message has changed since, or the
 * user has another role or no longer takes part, or the key is gone. See migrations 0019 and 0022.
 */
async function write(
  { pool, ciphers }: RewriteDeps,
  { row, viewer }: FoundMessage,
  { rewrite, eventId, cipher }: Writing,
): Promise<Written | undefined> {
  const isEdit = rewrite.change === 'edited';
  const texts = isEdit ? rewrite : { content: null, metadata: null };
  const old = toRevision(row, cipher);
  const { key } = cipher;
  const keyId = keyNameOf(key.place.generation);
  const [answer] = await pool.query<Answer>(REWRITE, [
    ...[row.conversation_id, row.seq, row.sent_at, row.message_id],
    ...[viewer.user_id, viewer.role, row.edited_at, isEdit ? null : rewrite.reason],
    ...[texts.content, texts.metadata],
    ...[row.version, old.content, old.metadata, eventId, old.keyId],
    ...[key.place.generation, key.madeAt],
  ]);
  if (answer?.status === 'key_gone') ciphers.forget(key);
  if (answer?.status !== 'ok') return undefined;
  const { version, changed_at: changedAt, seers, emojis, reactors } = answer;
  const time = isEdit ? { edited_at: changedAt, key_id: keyId } : { deleted_at: changedAt };
  const { content, metadata } = texts;
  const sets = toReactionSets(emojis ?? [], reactors ?? []);
  return { row: { ...row, content, metadata, ...time, version }, sets, seers, changedAt };
}

/** The message is shown as the user who changed it sees it. */
async function show(
  deps: RewriteDeps,
  { viewer, participants }: FoundMessage,
  {
    row,
    reactions,
  }: { row: MessageRow; reactions: ReadonlyMap<MessageRow['message_id'], ReactionSet[]> },
): Promise<HistoryMessage> {
  const [message] = await showMessages(deps, { rows: [row], viewer, participants, reactions });
  return message as HistoryMessage;
}

/** The event goes to the participants who can see the message. */
function toEntry(
  event_id: EventId,
  { row, sets, seers, changedAt, rewrite }: Written & { rewrite: Rewrite },
  cipher: ContentCipher,
): OutboxEntry {
  const recorded = { change: rewrite.change, version: row.version };
  const update = toMessageUpdate({ row, reactions: sets, recorded }, cipher);
  const address = { event_id, conversation_id: row.conversation_id, user_ids: seers };
  return {
    ...address,
    kind: 'message_updated',
    update,
    at: changedAt,
    changed_at: changedAt,
  };
}

type Revision = { content: Buffer | null; metadata: Buffer | null; keyId: string };

/**
 * A revision keeps, for audits, the text that a message has before a change. The text is encrypted
 * anew, bound to a version that had it, so nobody can put a revision back into the message's own
 * row: it could not be decrypted there. A text that cannot be read now is kept as it is, with the
 * key that it names, because that key may come back.
 */
function toRevision(row: MessageRow, cipher: WritingCipher): Revision {
  const { conversation_id, message_id, version } = row;
  const content = openContent(row, cipher.tryDecrypt);
  const metadata = openMetadata(row, cipher.tryDecrypt);
  const isRead = content !== undefined && (metadata !== undefined || row.metadata === null);
  if (!isRead) return { content: row.content, metadata: row.metadata, keyId: row.key_id };
  const seal = (plain: string, field: MessageCipherPlace['field']): Buffer =>
    encrypt(plain, cipher, { conversation_id, message_id, field, version });
  return {
    content: row.content === null ? null : seal(content, 'content'),
    metadata: metadata === undefined ? null : seal(metadata, 'metadata'),
    keyId: keyNameOf(cipher.key.place.generation),
  };
}
