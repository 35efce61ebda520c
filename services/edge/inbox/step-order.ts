import type { InboxStep } from '../../../shared/contracts/business-signals.ts';

/** A step is held with the size of the signal that brought it. */
type Held = { step: InboxStep; bytes: number };

/** A missing step may come this much later than the first sign that it is missing. */
const GAP_MS = 500;
/** The order holds this much. Beyond it, the oldest steps are given up. */
const HELD_MAX = 1_024;
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Brings the steps of one inbox into the order of their versions. Several routers tell of steps, so
 * a later one may come first: the order holds it until those before have come, for 500 ms at most.
 * A step that is given up leaves a gap in the versions that are told, and whoever sees a gap reads
 * the inbox again.
 *
 *     add → held ┬ the next version  → next()
 *                └ missing for 500 ms → next() goes on behind the gap, or nothing is behind: lost()
 */
export class StepOrder {
  /** All steps up to this version were given out or given up. */
  #version: number | undefined;
  /** The inbox has come this far, as store says. */
  #top = 0;
  readonly #held = new Map<number, Held>();
  #bytes = 0;
  #gapSince: number | undefined;

  get version(): number | undefined {
    return this.#version;
  }

  /** Is true while steps wait to be given out, or are missing. */
  get isWaiting(): boolean {
    return this.#held.size > 0 || this.#top > (this.#version ?? this.#top);
  }

  /** Is true while steps are missing that are known to have been taken. */
  get hasGap(): boolean {
    if (this.#version === undefined || this.#held.has(this.#version + 1)) return false;
    return this.#held.size > 0 || this.#top > this.#version;
  }

  /** Store says that the inbox is at this version. The first call says where the order begins. */
  reach(version: number): void {
    this.#top = Math.max(this.#top, version);
    if (this.#version === undefined) this.#pass(version);
  }

  add(step: InboxStep, bytes: number): void {
    if (step.version <= (this.#version ?? 0) || this.#held.has(step.version)) return;
    this.#held.set(step.version, { step, bytes });
    this.#bytes += bytes;
    while (this.#held.size > HELD_MAX || this.#bytes > HELD_BYTES_MAX) {
      const oldest = this.#oldest();
      if (this.#version === undefined) this.#drop(oldest);
      else this.#pass(oldest);
    }
  }

  /** Returns the next step, if it is here and its version is not above `upTo`. */
  next(nowMs: number, upTo = Number.POSITIVE_INFINITY): Held | undefined {
    if (this.#version === undefined) return undefined;
    const isGivenUp = this.#isGapOver(nowMs) && this.#held.size > 0;
    const version = isGivenUp ? this.#oldest() : this.#version + 1;
    const held = this.#held.get(version);
    if (held === undefined || (version > upTo && !isGivenUp)) return undefined;
    this.#pass(version);
    return held;
  }

  /** Returns the versions, if any, that did not come in time and have none behind them. */
  lost(nowMs: number): { from: number; to: number } | undefined {
    if (this.#version === undefined || this.#held.size > 0) return undefined;
    return this.#isGapOver(nowMs) ? { from: this.#version + 1, to: this.#top } : undefined;
  }

  /** Goes on behind the lost versions. */
  giveUp(): void {
    this.#pass(this.#top);
  }

  /** A gap that is noticed begins to be over. */
  #isGapOver(nowMs: number): boolean {
    if (!this.hasGap) {
      this.#gapSince = undefined;
      return false;
    }
    this.#gapSince ??= nowMs;
    return nowMs - this.#gapSince >= GAP_MS;
  }

  #pass(version: number): void {
    const isNext = version === (this.#version ?? 0) + 1;
    this.#version = version;
    this.#gapSince = undefined;
    if (isNext) this.#drop(version);
    else for (const held of this.#held.keys()) if (held <= version) this.#drop(held);
  }

  #drop(version: number): void {
    this.#bytes -= this.#held.get(version)?.bytes ?? 0;
    this.#held.delete(version);
  }

  #oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const version of this.#held.keys()) oldest = Math.min(oldest, version);
    return oldest;
  }
}
