import type { UserId } from '../../../shared/ids.ts';
import type { InboxCounts, InboxHeadShape } from '../../../shared/protocol/inbox-shapes.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';

type Sender = Pick<Hub, 'sendSoon'>;
type Told = { version: number; frame: string };

/**
 * A reader with more than this left to read is not told, until little is left. The socket is closed
 * at twice as much, which durable events may need.
 */
const BUFFERED_BYTES_MAX = 1024 * 1024;
const BUFFERED_BYTES_LOW = 128 * 1024;

/**
 * A watcher is a session that watches the inbox of a business. It hears of versions above the one
 * that `inbox_watch` was answered with, in their order. A session that reads slowly, or is not open
 * yet, misses events instead of making them wait: once it has caught up, it gets the one that it
 * missed, or of several the last version alone. Then it sees the gap, and reads the inbox again.
 *
 *     watching ──event, reads slowly──► missed one ──event──► missed many
 *         ▲                                 └──── has caught up ────┘ │
 *         └──────────── the one event, or the last version ───────────┘
 */
export class Watcher {
  readonly session: Session;
  readonly userId: UserId;
  /** The watcher knows this version. */
  #version = Number.POSITIVE_INFINITY;
  #counts: InboxCounts | undefined;
  #missed: (Told & { isOne: boolean }) | undefined;

  constructor(session: Session, userId: UserId) {
    this.session = session;
    this.userId = userId;
  }

  /** `inbox_watch` is answered with this. */
  begin({ version, counts }: InboxHeadShape): void {
    this.#version = version;
    this.#counts = counts;
    this.#missed = undefined;
  }

  /** Returns false if the watcher has missed the event, or one before it. */
  tell(hub: Sender, told: Told): boolean {
    if (told.version <= this.#version) return true;
    this.#version = told.version;
    if (this.#missed !== undefined || !this.#reads(BUFFERED_BYTES_MAX)) {
      this.#missed = { ...told, isOne: this.#missed === undefined };
      return false;
    }
    hub.sendSoon(this.session, 'inbox', told.frame);
    return true;
  }

  /** Tells counts that are new to the watcher, and returns whether it did. */
  tellCounts(hub: Sender, head: InboxHeadShape, frame: () => string): boolean {
    if (head.version < this.#version || isSame(head.counts, this.#counts)) return false;
    if (this.#missed !== undefined || !this.#reads(BUFFERED_BYTES_MAX)) return false;
    this.#counts = head.counts;
    hub.sendSoon(this.session, 'inbox', frame());
    return true;
  }

  /** Returns false while the watcher has not caught up. `frame` tells of a version alone. */
  catchUp(hub: Sender, frame: (version: number) => string): boolean {
    const missed = this.#missed;
    if (missed === undefined) return true;
    if (!this.#reads(BUFFERED_BYTES_LOW)) return false;
    this.#missed = undefined;
    // Counts may have been missed too, so the next ones are told whatever they are.
    this.#counts = undefined;
    hub.sendSoon(this.session, 'inbox', missed.isOne ? missed.frame : frame(missed.version));
    return true;
  }

  #reads(bufferedMax: number): boolean {
    const { state, socket } = this.session;
    return state === 'open' && (socket?.getBufferedAmount() ?? 0) <= bufferedMax;
  }
}

function isSame(one: InboxCounts, other: InboxCounts | undefined): boolean {
  return (
    one.waiting === other?.waiting && one.assigned === other.assigned && one.mine === other.mine
  );
}
