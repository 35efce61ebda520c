import type { MessageTarget } from '../../../shared/contracts/rpc.ts';
import { judgeDelete } from './message-rights.ts';
import { type RewriteDeps, type Rewritten, rewriteMessage } from './rewrite-message.ts';

/**
 * `messages.delete`: by its sender or a group admin. A tombstone stays, without content, metadata
 * and reactions: no read can show them, they are not in the row any more. Deleting twice answers
 * the tombstone. Refusals: MESSAGE_NOT_FOUND, FORBIDDEN.
 */
export function deleteMessage(deps: RewriteDeps, request: MessageTarget): Promise<Rewritten> {
  return rewriteMessage(deps, request, ({ row, viewer }) => {
    const reason = judgeDelete(row, viewer.user_id, viewer.role);
    if (row.deleted_at !== null) return undefined;
    return { change: 'deleted', reason };
  });
}
