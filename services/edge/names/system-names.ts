import type { LastMessage, MessageRecord } from '../../../shared/contracts/messages.ts';
import type { UserId } from '../../../shared/ids.ts';
import { previewOf } from '../../../shared/protocol/preview.ts';
import {
  namesPeople,
  readSaid,
  type SystemSaid,
  systemContent,
} from '../../../shared/protocol/system-content.ts';
import type { Names } from './profile-names.ts';

/**
 * These functions put names into the content of system messages. The content has no names as it is
 * stored.
 */

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
