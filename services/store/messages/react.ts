import type { MessageReaction, Reaction } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Pool } from '../database/pool.ts';
import { toReactionSets, toReactions } from '../records/reactions.ts';
import { noSuchMessage } from './find-message.ts';
import { toMessageUpdate } from './message-update.ts';

type Deps = { pool: Pool; ciphers: ContentCiphers };
type Reacted = { reactions: Reaction[]; entry?: OutboxEntry };

/** A message has at most this many different emoji; one more is refused with CONFLICT. */
const EMOJI_MAX = 20;

/** The function is called only for a message that is not too old to be shown. */
const REACT = `select r.* from (
    select from conversations where conversation_id = $1
      and $2 >= visible_from(conversation_id, first_seq) offset 0) shown
  cross join lateral react($1, $2, $3, $4, $5, $6, $7, $8, $9) r`;

type Refusal = 'not_found' | 'system' | 'deleted' | 'too_many';
type Row = { status: Refusal } | WrittenRow;
type WrittenRow = {
  status: 'ok' | 'unchanged';
  version: number;
  changed_at: string;
  /** Only an edited message has this time, and the content and key below. */
  edited_at: string | null;
  content: Buffer | null;
  key_id: string | null;
  seers: UserId[];
  /** A message without reactions has null here. */
  emojis: string[] | null;
  reactors: UserId[] | null;
};

/**
 * `messages.react` sets or removes one user's reaction in one transaction and one round trip; see
 * migration 0009. A message has one reaction per user and emoji. Setting a reaction that is set, or
 * removing one that is not, changes nothing. Refusals: MESSAGE_NOT_FOUND; FORBIDDEN for a system
 * message; CONFLICT for a deleted message and for a 21st emoji.
 */
export async function react({ pool, ciphers }: Deps, request: MessageReaction): Promise<Reacted> {
  const { user_id, message_id, place, emoji, remove = false } = request;
  const { conversation_id, seq, sent_at } = place;
  const event_id = newId<EventId>();
  const message = [conversation_id, seq, sent_at, message_id];
  const reaction = [user_id, emoji, remove, EMOJI_MAX, event_id];
  const [row] = await pool.query<Row>(REACT, [...message, ...reaction]);
  if (row === undefined) throw noSuchMessage();
  if (row.status !== 'ok' && row.status !== 'unchanged') throw refusalOf(row.status);
  const { version, changed_at, seers, emojis, reactors } = row;
  const sets = toReactionSets(emojis ?? [], reactors ?? []);
  const reactions = toReactions(sets, user_id);
  if (row.status === 'unchanged') return { reactions };
  // Only an edited message has a text here, and the name of its key.
  const key_id = row.key_id ?? '';
  const changed = { ...row, key_id, message_id, conversation_id, seq, deleted_at: null };
  const recorded = { change: 'reactions' as const, version };
  const address = { event_id, conversation_id, user_ids: seers, at: changed_at };
  try {
    const cipher = await ciphers.open([changed]);
    const update = toMessageUpdate({ row: changed, reactions: sets, recorded }, cipher);
    return { reactions, entry: { ...address, kind: 'message_updated', update, changed_at } };
  } catch {
    // The reaction is committed. The text of an edited message cannot be read, so the event stays
    // in the outbox, where it is counted and tried again.
    return { reactions };
  }
}

function refusalOf(status: Refusal): KahaError {
  switch (status) {
    case 'not_found':
      return noSuchMessage();
    case 'system':
      return new KahaError('FORBIDDEN', 'A system message cannot be changed');
    case 'deleted':
      return new KahaError('CONFLICT', 'The message was deleted');
    case 'too_many':
      return new KahaError('CONFLICT', `A message has at most ${EMOJI_MAX} different emoji`);
  }
}
