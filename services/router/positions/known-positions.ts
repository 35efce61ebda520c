import type { ConversationPositions } from '../../../shared/contracts/positions.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';

/** The highest that was told, and what store had: what is below either is no news. */
export type Position = { delivered: number; read: number; storedDelivered: number };
/** Who takes part, and how far each has got. */
export type Positions = Map<UserId, Position>;

type Known = {
  version: number;
  /** Epoch ms; when this was surely so the last time. */
  asOf: number;
  /** Undefined: of this version we only know that it is there. */
  positions: Positions | undefined;
};

/** The longest ago loaded go first; ~500 bytes each. */
const CONVERSATIONS_MAX = 50_000;
/** Other routers tell of changes of who takes part; one that was not heard lasts no longer. */
const FRESH_MS = 5_000;

/** Enough of positions to tell only what rises, and only to who may know. */
export class KnownPositions {
  readonly #known = new Map<ConversationId, Known>();

  get size(): number {
    return this.#known.size;
  }

  /** Undefined where it is not known, or not surely true any more. */
  fresh(id: ConversationId, nowMs: number): Positions | undefined {
    return this.within(id, FRESH_MS, nowMs);
  }

  /** As `fresh`, within another limit; `Infinity` for the last that is known. */
  within(id: ConversationId, ageMsMax: number, nowMs: number): Positions | undefined {
    const known = this.#known.get(id);
    return known === undefined || known.asOf + ageMsMax < nowMs ? undefined : known.positions;
  }

  /**
   * Store said so just now, here or to another router: of another version what we hold is not true
   * any more.
   */
  verify(id: ConversationId, version: number, nowMs: number): void {
    const known = this.#known.get(id);
    if (known === undefined) {
      this.#put(id, { version, asOf: nowMs, positions: undefined });
    } else if (known.version <= version) {
      if (known.version < version) known.positions = undefined;
      known.version = version;
      known.asOf = nowMs;
    }
  }

  /** As store had it at `asOf`; what was told since is not taken back. */
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
