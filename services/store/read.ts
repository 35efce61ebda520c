import { type Kysely, sql } from 'kysely';
import { KahaError } from '../../shared/errors.ts';
import { isUuidV4 } from '../../shared/ids.ts';
import type { ReadInput, ReadReply } from '../../shared/rpc.ts';
import type { ReadCommit } from './read-commit.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; reads: ReadCommit };

/**
 * `positions.read`: raises the user's read position, and with it delivered; committed when
 * answered. Refusals: CONVERSATION_NOT_FOUND, NOT_A_PARTICIPANT (never or no longer), then
 * MESSAGE_NOT_FOUND for a message that is not there or that the user cannot see.
 */
export async function readUpTo(
  { db, reads }: Deps,
  request: ReadInput,
  deadlineAt: number,
): Promise<ReadReply> {
  const { conversation_id, user_id } = request;
  if (!isUuidV4(conversation_id) || !isUuidV4(user_id)) {
    throw new KahaError('INVALID_REQUEST', 'Not an id');
  }
  const seq = await seqOf(db, request);
  // Of a message that is not there: raises nothing, and tells whether the user may know that.
  const row = await reads.read({ conversation_id, user_id, seq: seq ?? 0 }, deadlineAt);
  if (row.status === 'no_conversation') {
    throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  }
  if (row.status !== 'ok') {
    throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
  }
  const isByMessage = request.message_id !== undefined;
  // One below what the user can see has raised nothing: positions stand above it from the start.
  if (seq === undefined || (isByMessage && seq < row.first_visible_seq)) {
    throw new KahaError('MESSAGE_NOT_FOUND', 'No such message');
  }
  const { version, read_seq, unread, read_at, delivered_seq, delivered_at } = row;
  const reply: ReadReply = { version, last_read_seq: read_seq, unread };
  if (read_at !== null) reply.raised = { read_at, delivered_seq, delivered_at };
  return reply;
}

async function seqOf(db: Kysely<Database>, request: ReadInput): Promise<number | undefined> {
  const { seq, message_id, conversation_id } = request;
  if (seq !== undefined) return seq;
  if (!isUuidV4(message_id)) throw new KahaError('INVALID_REQUEST', 'Not an id');
  const { rows } = await sql<{ seq: number }>`select seq from messages
    where message_id = ${message_id} and conversation_id = ${conversation_id}`.execute(db);
  return rows[0]?.seq;
}
