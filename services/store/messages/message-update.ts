import type {
  MessageChange,
  MessageUpdate,
  ReactionSet,
} from '../../../shared/contracts/messages.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import { type MessageRow, openContent } from '../records/message-row.ts';

type Updated = Pick<
  MessageRow,
  'message_id' | 'conversation_id' | 'seq' | 'content' | 'key_id' | 'edited_at' | 'deleted_at'
>;

type Change = {
  row: Updated;
  reactions: readonly ReactionSet[];
  /**
   * The outbox row recorded which change was made, and the version that the message had after it.
   * The message may have changed again since, so `row` may be of a later version.
   */
  recorded: { change: MessageChange; version: number };
};

/**
 * The event of a change describes the row as it is now and carries everything that can change.
 * Clients ignore an event that comes late, behind one with a higher version, so no change may be
 * told by one event alone. The event of a message that is deleted by now tells only of the
 * deletion.
 */
export function toMessageUpdate(
  { row, reactions, recorded }: Change,
  cipher: ContentCipher,
): MessageUpdate {
  const { message_id, conversation_id, seq, edited_at, deleted_at } = row;
  const { version, change } = recorded;
  const place = { message_id, conversation_id, seq, version };
  if (deleted_at !== null) return { ...place, change: 'deleted', deleted_at, reactions: [] };
  const update: MessageUpdate = { ...place, change, reactions: [...reactions] };
  if (edited_at === null) return update;
  const content = openContent(row, cipher.decrypt);
  return { ...update, ...(content !== undefined && { content }), edited_at };
}
