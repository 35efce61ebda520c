import type { ConversationPositions } from '../../../shared/contracts/positions.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';

/**
 * `delivered` and `read` are the highest that were told, and store had `storedDelivered`. A
 * position below either is no news.
 */
type Position = { delivered: number; read: number; storedDelivered: number };
/**
 * The keys are the participants of a conversation, and each value says how far one of them has got.
 */
export type Positions = Map<UserId, Position>;

type Known = {
  version: number;
  /** By `steadyMs`, the router last knew for sure then that this is the current version. */
  asOf: number;
  /** The positions are undefined if the router knows only that this version exists. */
  positions: Positions | undefined;
};

/**
 * Beyond this many, the conversation that was loaded longest ago is forgotten. One takes ~500
 * bytes.
 */
const CONVERSATIONS_MAX = 50_000;
/**
 * Other routers tell of changes of participants. If a router misses such a change, it is wrong for
 * no longer than this.
 */
const FRESH_MS = 5_000;

/** Knows enough positions that a router tells only of those that rise, and only to participants. */
export class KnownPositions {
  readonly #known = new Map<ConversationId, Known>();

  get size(): number {
    return this.#known.size;
  }

  /** Returns the positions, or undefined if they are unknown or may have become wrong. */
  fresh(id: ConversationId, nowMs: number): Positions | undefined {
    return this.within(id, FRESH_MS, nowMs);
  }

  /**
   * Does the same as `fresh`, with another limit. With `Infinity` it returns the last known
   * positions.
   */
  within(id: ConversationId, ageMsMax: number, nowMs: number): Positions | undefined {
    const known = this.#known.get(id);
    return known === undefined || known.asOf + ageMsMax < nowMs ? undefined : known.positions;
  }

  /**
   * Notes that store has just told this router, or another one, the version of the conversation.
   * Positions of an older version are dropped, because the participants may have changed since.
   */
  noteVersion(id: ConversationId, version: number, nowMs: number): void {
    const known = this.#known.get(id);
    if (known === undefined) {
      this.#put(id, { version, asOf: nowMs, positions: undefined });
    } else if (known.version <= version) {
      if (known.version < version) known.positions = undefined;
      known.version = version;
      known.asOf = nowMs;
    }
  }

  /**
   * Takes in the positions that store had at `asOf`. Positions that were told since are not taken
   * back.
   */
  learn({ conversation_id: id, version, positions }: ConversationPositions, asOf: number): void {
    const known = this.#known.get(id);
    if (known !== undefined && known.version > version) return;
    const learnt: Positions = new Map();
    for (const [userId, delivered] of positions) {
      const told = known?.positions?.get(userId);
      const { delivered: toldDelivered = 0, read = 0 } = told ?? {};
      learnt.set(userId, { delivered: toldDelivered, read, storedDelivered: delivered });
    }
    this.#put(id, { version, asOf, positions: learnt });
  }

  #put(id: ConversationId, known: Known): void {
    this.#known.delete(id);
    this.#known.set(id, known);
    if (this.#known.size <= CONVERSATIONS_MAX) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
