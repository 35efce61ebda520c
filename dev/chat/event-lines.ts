import type { ConversationShape } from '../../shared/protocol/shapes.ts';
import { shownUser } from './named.ts';

export type ShownMessage = {
  conversation_id: string;
  seq: number;
  sender_id: string;
  message_type: string;
  content?: string;
  metadata?: Record<string, unknown>;
};
export type BusinessPresence = { status: string; opens_at?: string };
/** The map has names of people and businesses by id. */
export type Names = Map<string, string>;

/** Takes note of the names that a conversation has. */
export function learnNames(names: Names, { participants }: ConversationShape): void {
  for (const { user_id: id, name, role } of participants) {
    const isKnown = name !== 'Unknown User' && name !== 'Unknown Business';
    names.set(id, isKnown ? name : role === 'business' ? 'the business' : shownUser(id));
  }
}

/** Shows a message in one line, as its reader `me` sees it. */
export function messageLine(message: ShownMessage, { me, names }: { me: string; names: Names }) {
  const { seq, sender_id: senderId, content = '(deleted)' } = message;
  const isAway = message.metadata?.event === 'away_message';
  if (message.message_type === 'system' && !isAway) return `#${seq} * ${content}`;
  const sender = senderId === me ? 'me' : (names.get(senderId) ?? shownUser(senderId));
  return `#${seq} ${sender}: ${content}`;
}

/** Says whether a business answers now. */
export function presenceLine({ status, opens_at: opensAt }: BusinessPresence, name: string) {
  return `${name} is ${status}${opensAt === undefined ? '' : `, and opens at ${opensAt}`}`;
}

/** Returns the name by which an agent knows the customer of a conversation. */
export function customerOf({ participants }: ConversationShape, names: Names): string {
  const customer = participants.find(({ role }) => role === 'customer');
  return customer === undefined ? 'somebody' : (names.get(customer.user_id) ?? 'somebody');
}
