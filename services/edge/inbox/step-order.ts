import type { InboxStep } from '../../../shared/contracts/business-signals.ts';

/** A step is held with the size of the signal that brought it. */
type Held = { step: InboxStep; bytes: number };

/** A missing step may come this much later than the first sign that it is missing. */
const GAP_MS = 500;
/** One inbox holds this much, and all together. Beyond it, an inbox gives up its oldest steps. */
const HELD_MAX = 1_024;
const HELD_BYTES_MAX = 4 * 1024 * 1024;
const ALL_BYTES_MAX = 64 * 1024 * 1024;

/** All orders of an edge count here what they hold. */
export type HeldBytes = { sum: number };

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
  readonly #all: HeldBytes;
  #bytes = 0;
  #gapSince: number | undefined;

  constructor(all: HeldBytes) {
    this.#all = all;
  }

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
    this.#count(bytes);
    while (this.#isTooMuch()) {
      const oldest = this.#oldest();
      if (this.#version === undefined) this.#drop(oldest);
      else this.#pass(oldest);
    }
  }

  /** Returns the next step, if it is here and its version is not above `upTo`. */
  next(nowMs: number, upTo: number): Held | undefined {
    if (this.#version === undefined) return undefined;
    const isGivenUp = this.#isGapOver(nowMs) && this.#held.size > 0;
    const version = isGivenUp ? this.#oldest() : this.#version + 1;
    const held = this.#held.get(version);
    if (held === undefined || version > upTo) return undefined;
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

  /** Nobody watches any more. */
  clear(): void {
    for (const version of this.#held.keys()) this.#drop(version);
  }

  #isTooMuch(): boolean {
    if (this.#held.size > HELD_MAX || this.#bytes > HELD_BYTES_MAX) return true;
    return this.#all.sum > ALL_BYTES_MAX && this.#held.size > 0;
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
    this.#count(-(this.#held.get(version)?.bytes ?? 0));
    this.#held.delete(version);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#all.sum += bytes;
  }

  #oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const version of this.#held.keys()) oldest = Math.min(oldest, version);
    return oldest;
  }
}
