import { encodeLive, type LiveEvent, type LiveEventOf } from '../../../shared/contracts/events.ts';
import type { DeliveredItem, ReadReply } from '../../../shared/contracts/positions.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { KnownPositions, type Positions } from './known-positions.ts';

type Deps = {
  store: AskStore;
  /** Publishes a live event on `user.<user>`, best effort. */
  publish: (userId: UserId, payload: string) => void;
  metrics: RouterMetrics;
  logger: Logger;
};

type Place = { conversation_id: ConversationId; user_id: UserId };
type Step = { seq: number; at: string };
type Rise = { delivered?: Step; read?: Step };

/**
 * One request of positions asks for at most this many conversations. A report of an edge holds no
 * more items than that.
 */
const LOAD_MAX = 1_000;

/**
 * Sends live events about positions: a `receipt` to the other participants, and `unread` to the
 * user's own devices. It tells only of positions that rise, and only of and to users who took part
 * when store was asked, at most 5 s ago. Nothing is kept for users who are away, because they read
 * positions with the conversation.
 */
export class LiveReceipts {
  readonly #deps: Deps;
  readonly #known = new KnownPositions();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get conversations(): number {
    return this.#known.size;
  }

  /**
   * Notes that store has just told the version of the conversation. What is known of the
   * participants of an older version is dropped, and loaded again when a receipt needs it.
   */
  noteVersion(id: ConversationId, version: number): void {
    this.#known.noteVersion(id, version, steadyMs());
  }

  /** Other parts that send live events read the participants here, of whatever age. */
  get known(): KnownPositions {
    return this.#known;
  }

  /** Tells of delivered positions, which the edges have coalesced. Never rejects. */
  async delivered(items: readonly DeliveredItem[]): Promise<void> {
    const unknown = this.#tellDelivered(items);
    if (unknown.length === 0) return;
    await this.#load([...new Set(unknown.map(([id]) => id))]);
    this.#tellDelivered(unknown);
  }

  /** Tells what a user's read has changed. Call it once the read is committed. Never rejects. */
  async read({ conversation_id, user_id }: Place, reply: ReadReply): Promise<void> {
    const { raised, last_read_seq, unread, version } = reply;
    this.noteVersion(conversation_id, version);
    if (raised === undefined) return;
    if (this.#known.fresh(conversation_id, steadyMs()) === undefined) {
      await this.#load([conversation_id]);
    }
    const positions = this.#known.fresh(conversation_id, steadyMs());
    const delivered = { seq: raised.delivered_seq, at: raised.delivered_at };
    const read = { seq: last_read_seq, at: raised.read_at };
    // Answers of store can overtake each other, and an older count would stay on the screen. Store
    // also repeats a recent rise, which must not be told twice.
    const isNews =
      positions === undefined ||
      this.#tell(positions, { conversation_id, user_id }, { delivered, read });
    if (isNews) this.#publish([user_id], { type: 'unread', conversation_id, unread });
  }

  /** Tells of positions, and returns the items whose conversation is not known well enough. */
  #tellDelivered(items: readonly DeliveredItem[]): DeliveredItem[] {
    const nowMs = steadyMs();
    const unknown: DeliveredItem[] = [];
    for (const item of items) {
      const [conversation_id, user_id, seq, atMs] = item;
      const positions = this.#known.fresh(conversation_id, nowMs);
      if (positions === undefined) {
        unknown.push(item);
      } else {
        const delivered = { seq, at: new Date(atMs).toISOString() };
        this.#tell(positions, { conversation_id, user_id }, { delivered });
      }
    }
    return unknown;
  }

  /**
   * Tells the other participants of a rise. It leaves out a position that does not rise, and tells
   * nothing of a user who does not take part. Returns whether the read position rose.
   */
  #tell(positions: Positions, place: Place, { delivered, read }: Rise): boolean {
    const own = positions.get(place.user_id);
    if (own === undefined) return false;
    const event: LiveEventOf<'receipt'> = { type: 'receipt', ...place };
    const isDelivered =
      delivered !== undefined &&
      delivered.seq > own.delivered &&
      delivered.seq >= own.storedDelivered;
    const isRead = read !== undefined && read.seq > own.read;
    if (isDelivered) {
      own.delivered = delivered.seq;
      event.delivered_seq = delivered.seq;
      event.delivered_at = delivered.at;
    }
    if (isRead) {
      own.read = read.seq;
      event.read_seq = read.seq;
      event.read_at = read.at;
    }
    if (isDelivered || isRead) {
      this.#publish(
        [...positions.keys()].filter((userId) => userId !== place.user_id),
        event,
      );
    }
    return isRead;
  }

  #publish(userIds: readonly UserId[], event: LiveEvent): void {
    const payload = encodeLive(event);
    for (const userId of userIds) this.#deps.publish(userId, payload);
    this.#deps.metrics.receiptsTold.inc(userIds.length);
  }

  async #load(ids: readonly ConversationId[]): Promise<void> {
    const asOf = steadyMs();
    try {
      const request = { conversation_ids: ids.slice(0, LOAD_MAX) };
      const { conversations } = await this.#deps.store('positions.list', request);
      for (const one of conversations) this.#known.learn(one, asOf);
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'receipts not told');
    }
  }
}
