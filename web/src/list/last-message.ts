import type { Conversation } from '../../../clients/js/src/protocol/shapes.ts';
import type { IconName } from '../parts/icon.tsx';

/** A row of the list shows so much of the newest message. */
type Shown = { who?: string; icon?: IconName; text: string; isAside?: boolean };

const ATTACHMENTS = {
  image: { icon: 'image', text: 'Picture' },
  file: { icon: 'file', text: 'File' },
  voice: { icon: 'voice', text: 'Voice message' },
} as const;

/** Says who wrote the newest message, and what. A message without text is shown by its kind. */
export function lastMessageOf(
  { last_message: last, type, participants }: Conversation,
  userId: string,
  nameOf: (userId: string) => string | undefined,
): Shown {
  if (last === undefined) return { text: 'No messages yet', isAside: true };
  const { sender_id: senderId, message_type: kind, content } = last;
  if (kind === 'system') return { text: content, isAside: true };
  const sender = participants.find(({ user_id: id }) => id === senderId);
  const name = senderId === userId ? 'You' : (sender?.name ?? nameOf(senderId));
  const isNamed = name !== undefined && (senderId === userId || type === 'group');
  const who = isNamed ? { who: name } : {};
  if (kind !== 'text') return { ...who, ...ATTACHMENTS[kind] };
  if (content === '') return { ...who, text: 'Deleted message', isAside: true };
  return { ...who, text: content.replace(/\s+/g, ' ') };
}
