import type { ShownMessage } from '../../../../clients/js/src/index.ts';

/** The mark of one's own message: what it looks like, and what it is called. */
type StatusMark = {
  icon: 'clock' | 'check' | 'checks' | 'alert';
  label: string;
  isRead: boolean;
};

const MARKS: Record<NonNullable<ShownMessage['status']>, StatusMark> = {
  pending: { icon: 'clock', label: 'Waiting to be sent', isRead: false },
  sent: { icon: 'check', label: 'Sent', isRead: false },
  delivered: { icon: 'checks', label: 'Delivered', isRead: false },
  read: { icon: 'checks', label: 'Read', isRead: true },
  failed: { icon: 'alert', label: 'Not sent', isRead: false },
};

/** Returns the mark of a message. Only one's own messages have one, and deleted ones do not. */
export function markOf({ status, deleted_at }: ShownMessage): StatusMark | undefined {
  return status === undefined || deleted_at !== undefined ? undefined : MARKS[status];
}

const REASONS: Record<string, string> = {
  NOT_A_PARTICIPANT: 'You are not part of this conversation any more.',
  CONVERSATION_NOT_FOUND: 'This conversation is no longer there.',
  FORBIDDEN: 'You may not write here.',
  INVALID_REQUEST: 'The message cannot be sent as it is.',
  PAYLOAD_TOO_LARGE: 'The message is too long.',
  OUTBOX_FULL: 'Too many messages are waiting to be sent.',
};

/** Says in plain words why a message was not sent. */
export function reasonOf({ error }: ShownMessage): string {
  const code = error?.code ?? '';
  return (Object.hasOwn(REASONS, code) && REASONS[code]) || 'The message could not be sent.';
}
