import type { ConversationId, MessageId, UserId } from '../../../shared/ids.ts';

type Sql = <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
type PlainMessage = {
  seq: number;
  message_id: MessageId;
  sender_id: UserId;
  sent_at: string;
  reply_to_seq: number | null;
  is_deleted: boolean;
};
type Seat = { user_id: UserId; first: number; read: number; delivered: number };
/** This is what a user may see of a conversation, found by the plain rule. */
type Sight = {
  first: number;
  shown: PlainMessage[];
  unread: number;
  /** Messages of others above the delivered position, whatever their age. */
  undelivered: PlainMessage[];
};

const DAY_MS = 86_400_000;
export const RETENTION_DAYS = 90;

/** These messages were there once, whether their rows are still there or not. */
const remembered = new Map<ConversationId, Map<number, PlainMessage>>();

/**
 * Reads the rows of a conversation, remembers those that are gone by now, and judges by their times
 * alone.
 */
export async function readPlainly(sql: Sql, id: ConversationId, nowMs: number) {
  const ever = remembered.get(id) ?? new Map<number, PlainMessage>();
  remembered.set(id, ever);
  const found = await sql<PlainMessage>(
    `select seq, message_id, sender_id, sent_at, reply_to_seq, deleted_at is not null as is_deleted
      from messages where conversation_id = $1 order by seq`,
    [id],
  );
  for (const message of found) ever.set(message.seq, message);
  const messages = [...ever.values()].sort((one, other) => one.seq - other.seq);
  const seats = await sql<Seat>(
    `select user_id, first_visible_seq as first, read_seq as read, delivered_seq as delivered
      from participants where conversation_id = $1 and left_at is null order by user_id`,
    [id],
  );
  const passed = messages.filter(
    ({ sent_at }) => Date.parse(sent_at) <= nowMs - RETENTION_DAYS * DAY_MS,
  );
  const floor = 1 + (passed.at(-1)?.seq ?? 0);
  return {
    messages,
    users: seats.map(({ user_id }) => user_id),
    /** The result is undefined for a user who does not take part. */
    sightOf(userId: UserId): Sight | undefined {
      const seat = seats.find(({ user_id }) => user_id === userId);
      if (seat === undefined) return undefined;
      const first = Math.max(floor, seat.first);
      const shown = messages.filter(({ seq }) => seq >= first);
      const undelivered = shown.filter(
        ({ seq, sender_id, is_deleted }) =>
          seq > seat.delivered && sender_id !== userId && !is_deleted,
      );
      return {
        first,
        shown,
        unread: shown.filter(({ seq }) => seq > seat.read).length,
        undelivered,
      };
    },
  };
}
