import { type Kysely, sql } from 'kysely';
import type { ReadInput, ReadReply, ReadResult } from '../../../shared/contracts/positions.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4, type MessageId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { toKahaError } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import type { ReadCommit } from './read-commit.ts';
import type { ReadRow } from './read-positions.ts';

type Deps = { db: Kysely<Database>; reads: ReadCommit };

/** A read waits at most this long for a locked row: the other reads of its request wait with it. */
const LOCKED_MS = 500;

/**
 * `positions.read` raises read positions, and delivered positions with them. Each read is judged on
 * its own and is committed before it is answered. Refusals, in this order: CONVERSATION_NOT_FOUND;
 * NOT_A_PARTICIPANT for a user who never took part or has left; MESSAGE_NOT_FOUND for a message
 * that does not exist or that the user cannot see.
 */
export async function readUpTo(
  { db, reads }: Deps,
  inputs: readonly ReadInput[],
  deadlineAt: number,
): Promise<ReadResult[]> {
  const places = await placesOf(db, inputs);
  const until = Math.min(deadlineAt, steadyMs() + LOCKED_MS);
  const readOne = async (input: ReadInput): Promise<ReadResult> => {
    const { conversation_id, user_id } = input;
    try {
      assertUuids(conversation_id, user_id);
      const seq = input.seq ?? places.get(placeKey(input));
      // An unknown message gives `seq` 0: such a read raises nothing and only judges membership.
      const row = await reads.read({ conversation_id, user_id, seq: seq ?? 0 }, until);
      return { ok: true, ...toReply(row, input, seq) };
    } catch (error) {
      return { ok: false, error: toKahaError(error).toWire() };
    }
  };
  return await Promise.all(inputs.map(readOne));
}

function toReply(row: ReadRow, { message_id }: ReadInput, seq: number | undefined): ReadReply {
  if (row.status === 'no_conversation') {
    throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  }
  if (row.status !== 'ok') {
    throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
  }
  // A hidden message has raised nothing: positions begin just below the first visible message.
  const isHidden = message_id !== undefined && (seq ?? 0) < row.first_visible_seq;
  if (isHidden) throw new KahaError('MESSAGE_NOT_FOUND', 'No such message');
  const { version, read_seq, unread, read_at, delivered_seq, delivered_at } = row;
  const reply: ReadReply = { version, last_read_seq: read_seq, unread };
  if (read_at !== null) reply.raised = { read_at, delivered_seq, delivered_at };
  return reply;
}

/**
 * Reads that name a message by its id get its `seq` here, if it is in the named conversation and
 * not too old to be shown.
 */
async function placesOf(
  db: Kysely<Database>,
  inputs: readonly ReadInput[],
): Promise<Map<string, number>> {
  const ids = inputs.flatMap(({ message_id }) => (isUuidV4(message_id) ? [message_id] : []));
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Place & { seq: number }>`
    select m.message_id, m.conversation_id, m.seq
    from (select conversation_id, seq, message_id from messages
      where message_id = any(${ids}::uuid[]) offset 0) m
    join conversations c using (conversation_id)
    where m.seq >= visible_from(c.conversation_id, c.first_seq)`.execute(db);
  return new Map(rows.map((row) => [placeKey(row), row.seq]));
}

type Place = { message_id?: MessageId | undefined; conversation_id: string };

function placeKey({ message_id, conversation_id }: Place): string {
  return `${conversation_id}${message_id}`;
}

function assertUuids(...ids: unknown[]): void {
  if (!ids.every(isUuidV4)) throw new KahaError('INVALID_REQUEST', 'Not an id');
}
