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

/** System messages get their names here, because their stored content has none. */

type Saying = { sender_id: UserId; said?: SystemSaid | undefined };

/** Returns the users whom these messages name. */
export function peopleIn(messages: Iterable<MessageRecord>): UserId[] {
  const users: UserId[] = [];
  for (const message of messages) {
    if (message.message_type === 'system') users.push(...peopleOf(sayingOf(message)));
    if (message.reply_to?.said !== undefined) users.push(...peopleOf(message.reply_to));
  }
  return users;
}

/** Returns the users whom the message names. */
export function peopleOf({ sender_id: senderId, said }: Saying): UserId[] {
  if (said === undefined) return [];
  return said.user_id === undefined ? [senderId] : [senderId, said.user_id];
}

/** Returns the message as clients get it. A message that names nobody stays the very same. */
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

/** Does for a last message what `withNames` does for a message. */
export function lastWithNames(message: LastMessage, names: Names): LastMessage {
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
