import type { ShownMessage } from '../../../../clients/js/src/index.ts';

type Who = {
  userId: string;
  /** Returns undefined for people whose name is not known here. */
  nameOf: (userId: string) => string | undefined;
};

type Words = {
  /** The actor is the sender, or "You". */
  actor: string;
  /** The subject is the person whom it is about, or "you". */
  subject: string;
  value: string;
  isOwn: boolean;
};

/**
 * Says what a system message tells, to the user who reads it: "You added Maya". What names the user
 * nowhere, or is of a kind that is not known here, is shown as the server says it.
 */
export function systemText(
  { sender_id: senderId, metadata = {}, content = '' }: ShownMessage,
  { userId, nameOf }: Who,
): string {
  const { event, user_id: subjectId, value } = metadata;
  const say = typeof event === 'string' && Object.hasOwn(TEXTS, event) ? TEXTS[event] : undefined;
  if (!say || (senderId !== userId && subjectId !== userId)) return content;
  const actor = senderId === userId ? 'You' : nameOf(senderId);
  const subject = subjectId === userId ? 'you' : nameOf(String(subjectId));
  if (!actor || (typeof subjectId === 'string' && !subject)) return content;
  const isOwn = senderId === subjectId;
  return say({ actor, subject: subject ?? '', value: textOf(value), isOwn });
}

/** A business sends this by itself outside of its hours. It reads like one of its messages. */
export function isAutomaticReply({ message_type: type, metadata }: ShownMessage): boolean {
  return type === 'system' && metadata?.event === 'away_message';
}

const TEXTS: Record<string, (words: Words) => string> = {
  participant_added: ({ actor, subject }) => `${actor} added ${subject}`,
  participant_removed: ({ actor, subject }) => `${actor} removed ${subject}`,
  participant_left: ({ actor }) => `${actor} left`,
  title_changed: ({ actor, value }) =>
    `${actor} changed the title${value && ` to \u201c${value}\u201d`}`,
  description_changed: ({ actor }) => `${actor} changed the description`,
  avatar_changed: ({ actor }) => `${actor} changed the picture`,
  admin_changed: ({ subject: who }) =>
    (who === 'you' ? 'You are' : `${who} is`).concat(' admin now'),
  agent_assigned: ({ actor, subject, isOwn }) =>
    isOwn ? `${actor} took the conversation` : `${actor} gave the conversation to ${subject}`,
  conversation_closed: ({ actor }) => `${actor} closed the conversation`,
  conversation_reopened: ({ actor }) => `${actor} reopened the conversation`,
};

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
