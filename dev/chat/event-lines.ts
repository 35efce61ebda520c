import {
  ChatError,
  type Conversation,
  type Message,
  type Presence,
} from '../../clients/js/src/index.ts';
import { shownUser } from './named.ts';

/** The map has names of people and businesses by id. */
export type Names = Map<string, string>;

/** Takes note of the names that a conversation has. */
export function learnNames(names: Names, { participants }: Conversation): void {
  for (const { user_id: id, name, role } of participants) {
    const isKnown = name !== 'Unknown User' && name !== 'Unknown Business';
    names.set(id, isKnown ? name : role === 'business' ? 'the business' : shownUser(id));
  }
}

/** Returns the name of a user, and says so if it is the reader `me`. */
export function nameLine(id: string, { me, names }: { me: string; names: Names }): string {
  return `${names.get(id) ?? shownUser(id)}${id === me ? ' (you)' : ''}`;
}

/** Shows a message in one line, as its reader `me` sees it. */
export function messageLine(message: Message, { me, names }: { me: string; names: Names }) {
  const { seq, sender_id: senderId, content = '(no text)' } = message;
  const isAway = message.metadata?.event === 'away_message';
  if (message.message_type === 'system' && !isAway) return `#${seq} * ${content}`;
  return `#${seq} ${nameLine(senderId, { me, names })}: ${content}`;
}

/** Says whether a business answers now. */
export function presenceLine({ status, opens_at: opensAt }: Presence, name: string) {
  return `${name} is ${status}${opensAt === undefined ? '' : `, and opens at ${opensAt}`}`;
}

/** Returns the name by which an agent knows the customer of a conversation. */
export function customerOf({ participants }: Conversation, names: Names): string {
  const customer = participants.find(({ role }) => role === 'customer');
  return customer === undefined ? 'somebody' : (names.get(customer.user_id) ?? 'somebody');
}

/** Says what went wrong, as the server said it. */
export function problemLine(error: unknown): string {
  if (!(error instanceof ChatError)) return (error as Error).message;
  const { code, message, details } = error;
  return `${code}: ${message}${details === undefined ? '' : ` ${JSON.stringify(details)}`}`;
}
