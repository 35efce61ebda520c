import type { MessageUpdate } from '../protocol/events.ts';
import type { Conversation, Message, Participant } from '../protocol/shapes.ts';
import type { Reached } from './window.ts';

type Positions = Partial<
  Pick<Participant, 'delivered_seq' | 'delivered_at' | 'read_seq' | 'read_at'>
>;

/**
 * Puts a record of the server in the place of the one that is known. An older version changes
 * nothing. A record of the same version may be from before the last events, and may have new names.
 */
export function merged(known: Conversation | undefined, record: Conversation): Conversation {
  if (!known || record.version < known.version) return known ?? record;
  const newer = record.last_seq >= known.last_seq ? record : known;
  const { last_seq, last_activity, last_message } = newer;
  const raise = (one: Participant): Participant => raised(one, positionsIn(known, one.user_id));
  return counted({
    ...record,
    ...{ last_seq, last_activity },
    ...(last_message && { last_message }),
    participants: record.participants.map(raise),
    ...highestOf('last_read_seq', record, known),
  });
}

/** A message has come. Its sender has read up to it, and it brings back what was archived. */
export function withMessage(
  known: Conversation,
  message: Message,
  userId: string | undefined,
): Conversation {
  const { message_id, seq, sender_id, content = '', message_type, sent_at } = message;
  const next = withPositions(known, {
    ...{ user_id: sender_id, delivered_seq: seq, delivered_at: sent_at },
    ...{ read_seq: seq, read_at: sent_at },
  });
  if (seq > known.last_seq || !known.last_message) {
    delete next.archived_at;
    next.last_seq = Math.max(seq, known.last_seq);
    next.last_activity = sent_at;
    next.last_message = { message_id, seq, sender_id, content, message_type, sent_at };
  }
  return counted(sender_id === userId ? withRead(next, seq) : next);
}

/** The list shows the newest message as it is after a change. */
export function withMessageUpdate(known: Conversation, update: MessageUpdate): Conversation {
  const { last_message: last } = known;
  if (last?.message_id !== update.message_id || update.change === 'reactions') return known;
  return { ...known, last_message: { ...last, content: update.content ?? '' } };
}

/** Positions only rise. */
export function withPositions(
  known: Conversation,
  { user_id: userId, ...positions }: Positions & { user_id: string },
): Conversation {
  const participants = known.participants.map((one) =>
    one.user_id === userId ? raised(one, positions) : one,
  );
  return { ...known, participants };
}

/** The user has read here or on another device. What is known already changes nothing. */
export function withRead(known: Conversation, seq: number): Conversation {
  const last_read_seq = Math.min(seq, known.last_seq);
  if (last_read_seq <= (known.last_read_seq ?? -1)) return known;
  return counted({ ...known, ...highestOf('last_read_seq', known, { last_read_seq }) });
}

/** Returns how far all other people are. A business has no positions, and counts for none. */
export function reachedOf(conversation: Conversation, userId: string | undefined): Reached {
  const others = conversation.participants.filter(
    ({ user_id: id, role }) => id !== userId && role !== 'business',
  );
  if (others.length === 0) return undefined;
  const read = Math.min(...others.map(({ read_seq: seq = 0 }) => seq));
  return { delivered: Math.min(...others.map(({ delivered_seq: seq = 0 }) => seq)), read };
}

export function takesPart({ participants }: Conversation, userId: string | undefined): boolean {
  return participants.some(({ user_id: id }) => id === userId);
}

/** The server counts what is unread so. Who only reads has neither a position nor a count. */
function counted(conversation: Conversation): Conversation {
  const { unread, last_seq, last_read_seq: read = 0, first_seq } = conversation;
  if (unread === undefined) return conversation;
  return { ...conversation, unread: Math.max(0, last_seq - Math.max(read, first_seq - 1)) };
}

function positionsIn({ participants }: Conversation, userId: string): Positions {
  return participants.find(({ user_id: id }) => id === userId) ?? {};
}

function raised(one: Participant, other: Positions): Participant {
  return {
    ...one,
    ...highestOf('delivered_seq', one, other, 'delivered_at'),
    ...highestOf('read_seq', one, other, 'read_at'),
  };
}

type Field = 'delivered_seq' | 'read_seq' | 'last_read_seq';
type Fields = Positions & { last_read_seq?: number };

/** Returns the field of the one in which it is higher, with the time that belongs to it. */
function highestOf(field: Field, ...[one, other, time]: [Fields, Fields, (keyof Fields)?]): Fields {
  const higher = (one[field] ?? -1) >= (other[field] ?? -1) ? one : other;
  const names = [field, time ?? field].filter((name) => higher[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, higher[name]]));
}
