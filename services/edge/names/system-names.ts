import type {
  HistoryMessage,
  LastMessage,
  MessageRecord,
} from '../../../shared/contracts/messages.ts';
import type { UserId } from '../../../shared/ids.ts';
import { previewOf } from '../../../shared/protocol/preview.ts';
import {
  namesPeople,
  readSaid,
  type SystemEvent,
  type SystemSaid,
} from '../../../shared/protocol/system-messages.ts';
import { type NameLookUp, type Names, UNKNOWN_USER } from './profile-names.ts';

/**
 * These functions put names into the content of system messages. The content has no names as it is
 * stored.
 */

/**
 * Puts names into those of `messages` that are system messages or reply to one, with one request
 * for all names. The result is undefined if there are no such messages, so that a caller need not
 * wait. The promise never rejects and takes at most 1 s, and no longer than `deadlineAt` (epoch
 * ms). Users whose names have not come by then are unknown.
 */
export type NameSystemMessages = (
  messages: MessageRecord[],
  deadlineAt?: number,
) => Promise<void> | undefined;

export function createNameSystemMessages(lookUp: NameLookUp): NameSystemMessages {
  const name: NameSystemMessages = async (messages, deadlineAt) => {
    const names = await lookUp({ users: usersNamedIn(messages), deadlineAt });
    for (const [index, message] of messages.entries()) messages[index] = withNames(message, names);
  };
  return (messages, deadlineAt) =>
    messages.some(namesPeople) ? name(messages, deadlineAt) : undefined;
}

/** Puts names into a system message, or into a message that replies to one. */
export async function nameMessage(
  { nameSystemMessages }: { nameSystemMessages: NameSystemMessages },
  message: HistoryMessage,
  deadlineAt: number,
): Promise<HistoryMessage> {
  const shown = [message];
  await nameSystemMessages(shown, deadlineAt);
  return shown[0] ?? message;
}

type Saying = { sender_id: UserId; said?: SystemSaid | undefined };

/** Lists the users that system messages, and previews of system messages, name. */
export function usersNamedIn(messages: Iterable<MessageRecord>): UserId[] {
  const users: UserId[] = [];
  for (const message of messages) {
    if (message.message_type === 'system') users.push(...usersNamedBy(sayingOf(message)));
    if (message.reply_to?.said !== undefined) users.push(...usersNamedBy(message.reply_to));
  }
  return users;
}

/** Lists the users that one system message names. */
export function usersNamedBy({ sender_id: senderId, said }: Saying): UserId[] {
  if (said === undefined) return [];
  return said.user_id === undefined ? [senderId] : [senderId, said.user_id];
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

function contentOf({ sender_id: senderId, said }: Saying, { users }: Names): string | undefined {
  if (said === undefined) return undefined;
  const subject = said.user_id === undefined ? undefined : users.get(said.user_id)?.name;
  return systemContent(said, { actor: users.get(senderId)?.name, subject });
}

type Words = { actor: string; subject: string; value: string | undefined };

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
};

type Named = { actor?: string | undefined; subject?: string | undefined };

/** Makes the English text of a system message. A user without a name is an Unknown User. */
export function systemContent({ event, value }: SystemSaid, { actor, subject }: Named): string {
  return TEXTS[event]({ actor: actor ?? UNKNOWN_USER, subject: subject ?? UNKNOWN_USER, value });
}
