import type { ConversationId } from '../../../shared/ids.ts';

/**
 * The client of a stream was told that its queue may lack something. The undelivered messages are
 * replayed, and the end of the replay is numbered like an event. Once the client acknowledges that
 * number, all that was replayed counts as delivered.
 *
 *     told ──► replaying ──the replay ends──► unacknowledged ──client's ack──► over
 */
export class Resync {
  /** The highest `seq` that was replayed of each conversation. A replay has ≤ 1000 messages. */
  readonly replayed = new Map<ConversationId, number>();
  /** The end of the replay has this number, once it was sent. */
  endQ: number | undefined = undefined;

  /** The client has acknowledged all up to `q`. */
  isOver(q: number): boolean {
    return this.endQ !== undefined && this.endQ <= q;
  }

  add(conversationId: ConversationId, seq: number): void {
    this.replayed.set(conversationId, Math.max(seq, this.replayed.get(conversationId) ?? 0));
  }
}
