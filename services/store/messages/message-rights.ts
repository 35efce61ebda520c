import type { Role } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { MessageRow } from '../records/message-row.ts';

type Judged = Pick<MessageRow, 'sender_id' | 'message_type' | 'sent_at' | 'deleted_at'>;

export type DeletionReason = 'sender' | 'group_admin';

/**
 * These functions judge what a user may do to a message that the user can see; each throws its
 * refusal. FORBIDDEN comes before CONFLICT, so that a user without the right learns nothing more.
 */
export function judgeEdit(
  row: Judged,
  userId: UserId,
  { windowMs, nowMs }: { windowMs: number; nowMs: number },
): void {
  refuseSystem(row);
  if (row.sender_id !== userId) throw new KahaError('FORBIDDEN', 'Only its sender may edit it');
  refuseDeleted(row);
  if (nowMs - Date.parse(row.sent_at) > windowMs) {
    throw new KahaError('FORBIDDEN', 'It is too late to edit this message');
  }
}

/**
 * The result says why the user may delete the message. A sender who is also admin of the group
 * deletes it as the sender.
 */
export function judgeDelete(row: Judged, userId: UserId, role: Role): DeletionReason {
  refuseSystem(row);
  if (row.sender_id === userId) return 'sender';
  if (role === 'admin') return 'group_admin';
  throw new KahaError('FORBIDDEN', 'Only its sender or a group admin may delete it');
}

function refuseSystem({ message_type }: Judged): void {
  if (message_type === 'system') {
    throw new KahaError('FORBIDDEN', 'A system message cannot be changed');
  }
}

function refuseDeleted({ deleted_at }: Judged): void {
  if (deleted_at !== null) throw new KahaError('CONFLICT', 'The message was deleted');
}
