import type { MessageTarget } from '../../../shared/contracts/messages.ts';
import { judgeDelete } from './message-rights.ts';
import { type RewriteDeps, type Rewritten, rewriteMessage } from './rewrite-message.ts';

/**
 * `messages.delete` lets the sender or a group admin delete a message. A tombstone stays, and
 * content, metadata and reactions are removed from the tables, so no query can show them. A second
 * deletion answers the tombstone. Refusals: MESSAGE_NOT_FOUND, FORBIDDEN.
 */
export function deleteMessage(deps: RewriteDeps, request: MessageTarget): Promise<Rewritten> {
  return rewriteMessage(deps, request, ({ row, viewer }) => {
    const reason = judgeDelete(row, viewer.user_id, viewer.role);
    if (row.deleted_at !== null) return undefined;
    return { change: 'deleted', reason };
  });
}
