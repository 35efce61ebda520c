import type { FeedEvent } from '../../../shared/contracts/feed.ts';
import type { ReadInput, ReadReply } from '../../../shared/contracts/positions.ts';
import { type EventId, newId } from '../../../shared/ids.ts';

/**
 * Makes the event that tells of a read. The result is undefined if the read has raised nothing. A
 * read that is repeated within 10 s is told again, under another id.
 */
export function readEvent(input: ReadInput, reply: ReadReply): FeedEvent | undefined {
  const { user_id, conversation_id } = input;
  const { raised, last_read_seq: seq } = reply;
  if (raised === undefined) return undefined;
  const recipients = [{ user_id, taken: [] }];
  const event_id = newId<EventId>();
  return { kind: 'read', event_id, at: raised.read_at, conversation_id, seq, recipients };
}
