import type { Kysely } from 'kysely';
import type { MessageTarget } from '../../shared/rpc.ts';
import type { ContentCipher } from './content-cipher.ts';
import { judgeDelete } from './message-rights.ts';
import { type Rewritten, rewriteMessage } from './rewrite-message.ts';
import type { Database } from './schema.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher };

/**
 * `messages.delete`: by its sender or a group admin. A tombstone stays, without content, metadata
 * and reactions: no read can show them, they are not in the row any more. Deleting twice answers
 * the tombstone. Refusals: MESSAGE_NOT_FOUND, FORBIDDEN.
 */
export function deleteMessage(deps: Deps, request: MessageTarget): Promise<Rewritten> {
  return rewriteMessage(deps, request, ({ row, viewer, at }) => {
    const reason = judgeDelete(row, viewer.user_id, viewer.role);
    if (row.deleted_at !== null) return undefined;
    return { change: 'deleted', set: { content: null, metadata: null, deleted_at: at }, reason };
  });
}
