import { sql, type Transaction } from 'kysely';
import type { MessageTarget } from '../../shared/rpc.ts';
import { noSuchMessage } from './find-message.ts';
import { type Member, selectMembers } from './members.ts';
import { MESSAGE_COLUMNS, type MessageRow } from './message-row.ts';
import type { Database } from './schema.ts';
import { canSee } from './shown-messages.ts';

/** A message that nobody else can change before the transaction ends, and who takes part then. */
export type LockedMessage = {
  row: MessageRow;
  members: Member[];
  viewer: Member;
  /** Database time, not before any earlier change of the message. */
  at: string;
};

/**
 * Locks the message, then reads who takes part: what is judged is what holds at the commit. The
 * conversation is locked only against changes of who takes part (they lock it FOR UPDATE), so that
 * appends and receipts neither wait for a change of a message nor can deadlock with it. Refusal:
 * MESSAGE_NOT_FOUND, for whoever does not take part or does not see that far back.
 */
export async function lockMessage(
  tx: Transaction<Database>,
  { user_id, message_id, place }: MessageTarget,
): Promise<LockedMessage> {
  const row = await tx
    .selectFrom('messages as m')
    .innerJoin('conversations as c', 'c.conversation_id', 'm.conversation_id')
    .select(MESSAGE_COLUMNS.map((name) => `m.${name}` as const))
    .select(sql<string>`clock_timestamp()::timestamptz(3)`.as('at'))
    .where('m.conversation_id', '=', place.conversation_id)
    .where('m.seq', '=', place.seq)
    .where('m.sent_at', '=', place.sent_at)
    .where('m.message_id', '=', message_id)
    .forNoKeyUpdate('m')
    .forKeyShare('c')
    .executeTakeFirst();
  if (row === undefined) throw noSuchMessage();
  const members = await selectMembers(tx, row.conversation_id);
  const viewer = members.find((member) => member.user_id === user_id);
  if (viewer === undefined || !canSee(viewer, row.seq)) throw noSuchMessage();
  return { row, members, viewer, at: row.at };
}
