import type {
  HistoryMessage,
  LastMessage,
  MessageRecord,
} from '../../../shared/contracts/messages.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { previewOf } from '../../../shared/protocol/preview.ts';
import {
  namesPeople,
  readSaid,
  type SystemEvent,
  type SystemSaid,
} from '../../../shared/protocol/system-messages.ts';
import { type NameLookUp, type Names, UNKNOWN_BUSINESS, UNKNOWN_USER } from './profile-names.ts';

/**
 * These functions put names into the content of system messages. The content has no names as it is
 * stored.
 */

/**
 * Puts names into those of `messages` that are system messages or reply to one, with one request
 * for all names. The result is undefined if there are no such messages, so that a caller need not
 * wait. The promise never rejects and takes at most 1 s, and no longer than `deadlineAt`
 * of the viewer. Users whose names have not come by then are unknown.
 */
export type NameSystemMessages = (
  messages: MessageRecord[],
  viewer: Viewer,
) => Promise<void> | undefined;

/** The user is shown the messages. */
type Viewer = { userId: UserId; deadlineAt?: number };

export function createNameSystemMessages(lookUp: NameLookUp): NameSystemMessages {
  const name: NameSystemMessages = async (messages, { userId, deadlineAt }) => {
    const names = await lookUp({ ...namedIn(messages), viewers: [userId], deadlineAt });
    for (const [index, message] of messages.entries()) messages[index] = withNames(message, names);
  };
  return (messages, viewer) => (messages.some(namesPeople) ? name(messages, viewer) : undefined);
}

/** Puts names into a system message, or into a message that replies to one. */
export async function nameMessage(
  { nameSystemMessages }: { nameSystemMessages: NameSystemMessages },
  message: HistoryMessage,
  viewer: Viewer,
): Promise<HistoryMessage> {
  const shown = [message];
  await nameSystemMessages(shown, viewer);
  return shown[0] ?? message;
}

type Saying = { sender_id: UserId; said?: SystemSaid | undefined };

/** An id may come several times. */
type Named = { users: UserId[]; businesses: BusinessId[] };

/** Lists whom system messages, and previews of system messages, name. */
export function namedIn(messages: Iterable<MessageRecord>): Named {
  const named: Named = { users: [], businesses: [] };
  for (const message of messages) {
    if (message.message_type === 'system') collectNamed(sayingOf(message), named);
    if (message.reply_to?.said !== undefined) collectNamed(message.reply_to, named);
  }
  return named;
}

/** Adds those whom one system message names. */
export function collectNamed(
  { sender_id: senderId, said }: Saying,
  { users, businesses }: Named,
): void {
  if (said === undefined) return;
  if (isOfBusiness(said)) businesses.push(senderId as string as BusinessId);
  else users.push(senderId);
  if (said.user_id !== undefined) users.push(said.user_id);
}

/** A business itself sends the messages of what is done automatically, under its own id. */
function isOfBusiness({ reason }: SystemSaid): boolean {
  return reason === 'auto';
}

/**
 * Returns a copy of the message in which the content has names, as clients get it. A message that
 * names nobody is returned itself.
 */
export function withNames<Message extends MessageRecord>(message: Message, names: Names): Message {
  if (!namesPeople(message)) return message;
  const named = { ...message };
  const { reply_to: reply } = message;
  const content = message.message_type === 'system' && contentOf(sayingOf(message), names);
  if (typeof content === 'string') named.content = content;
  if (reply?.said !== undefined) {
    const { said: _said, ...shown } = reply;
    named.reply_to = { ...shown, content: previewOf(contentOf(reply, names) ?? reply.content) };
  }
  return named;
}

/** Does the same as `withNames` for the last message of a conversation. */
export function lastMessageWithNames(message: LastMessage, names: Names): LastMessage {
  if (message.said === undefined) return message;
  const { said: _said, ...shown } = message;
  return { ...shown, content: contentOf(message, names) ?? message.content };
}

function sayingOf({ sender_id, metadata }: MessageRecord): Saying {
  return { sender_id, said: readSaid(metadata) };
}

function contentOf({ sender_id: senderId, said }: Saying, names: Names): string | undefined {
  if (said === undefined) return undefined;
  const { user_id: userId } = said;
  return systemContent(said, {
    actor: isOfBusiness(said)
      ? names.businesses.get(senderId as string as BusinessId)?.name
      : names.users.get(senderId)?.name,
    subject: userId && names.users.get(userId)?.name,
    isOwn: userId === senderId,
  });
}

type Words = Pick<SystemSaid, 'value' | 'reason'> & {
  actor: string;
  subject: string;
  /** The actor and the subject are the same user. */
  isOwn: boolean;
};

const TEXTS: Record<SystemEvent, (words: Words) => string> = {
  participant_added: ({ actor, subject }) => `${actor} added ${subject}`,
  participant_removed: ({ actor, subject }) => `${actor} removed ${subject}`,
  participant_left: ({ subject }) => `${subject} left`,
  title_changed: ({ actor, value }) =>
    value === undefined
      ? `${actor} changed the title`
      : `${actor} changed the title to \u201c${value}\u201d`,
  description_changed: ({ actor }) => `${actor} changed the description`,
  avatar_changed: ({ actor }) => `${actor} changed the picture`,
  admin_changed: ({ subject }) => `${subject} is admin now`,
  agent_assigned: ({ actor, subject, reason, isOwn }) => {
    if (isOwn) return `${actor} took the conversation`;
    const gave = reason === 'transfer' ? 'handed the conversation on' : 'gave the conversation';
    return `${actor} ${gave} to ${subject}`;
  },
  conversation_closed: ({ actor }) => `${actor} closed the conversation`,
  conversation_reopened: ({ actor }) => `${actor} reopened the conversation`,
};

type Known = { actor?: string | undefined; subject?: string | undefined; isOwn?: boolean };

/**
 * Makes the English text of a system message. A user without a name is an Unknown User, and a
 * business an Unknown Business.
 */
export function systemContent(said: SystemSaid, { actor, subject, isOwn = false }: Known): string {
  const unknown = isOfBusiness(said) ? UNKNOWN_BUSINESS : UNKNOWN_USER;
  const names = { actor: actor ?? unknown, subject: subject ?? UNKNOWN_USER };
  return TEXTS[said.event]({ ...said, ...names, isOwn });
}
