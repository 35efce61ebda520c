import type { ShownMessage } from '../../../../clients/js/src/index.ts';

/** The log and the composer do these things with a message. */
export type MessageActions = {
  reply(message: ShownMessage): void;
  edit(message: ShownMessage): void;
  remove(message: ShownMessage): void;
  react(message: ShownMessage, emoji: string, isMine: boolean): void;
  retry(message: ShownMessage): void;
  discard(message: ShownMessage): void;
  /** Shows the message that this one replies to. */
  openQuoted(messageId: string): void;
};

export type ActionName = 'reply' | 'copy' | 'edit' | 'remove' | 'retry' | 'discard';

type Rights = { userId: string; canWrite: boolean; isAdmin: boolean };

/** Lists what the user may do with a message, in the order of a menu. */
export function actionsOf(
  { message_id, sender_id, message_type, deleted_at, status }: ShownMessage,
  { userId, canWrite, isAdmin }: Rights,
): ActionName[] {
  if (status === 'failed') return ['retry', 'copy', 'discard'];
  if (status === 'pending') return ['copy', 'discard'];
  if (message_type === 'system' || deleted_at !== undefined || !message_id) return [];
  const isOwn = sender_id === userId;
  const names: ActionName[] = canWrite ? ['reply', 'copy'] : ['copy'];
  if (canWrite && isOwn) names.push('edit');
  if (canWrite && (isOwn || isAdmin)) names.push('remove');
  return names;
}

/** Returns the user's newest message that can be edited. The search begins at the end. */
export function lastEditable(
  messages: readonly ShownMessage[],
  userId: string,
): ShownMessage | undefined {
  return messages.findLast((message) =>
    actionsOf(message, { userId, canWrite: true, isAdmin: false }).includes('edit'),
  );
}
