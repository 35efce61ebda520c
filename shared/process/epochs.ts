import { steadyMs } from './clock.ts';

/**
 * An epoch has this many steps a millisecond. The first one within a millisecond is one of the
 * lower half at random, so that two services hardly ever give the same one. The upper half is for
 * those that follow.
 */
const STEPS_PER_MS = 1_024;
/** No clock of ours shows such a time, of the year 2109, and with it an epoch is exact still. */
const EPOCH_MAX = Number.MAX_SAFE_INTEGER / 2;

type Clocks = { wallMs(): number; passedMs(): number };

const CLOCKS: Clocks = { wallMs: () => Date.now(), passedMs: steadyMs };

/**
 * Gives epochs: numbers that order the openings of sessions over all edges, the later one higher.
 *
 * Clocks of hosts differ, so each process follows the one that is ahead of all: it begins with its
 * own clock, goes on by the time that passes, and moves forward to each later epoch that it hears
 * of. Edges tell routers of their epochs with each opening and at their start, and routers tell all
 * edges each second. So an edge whose clock is ahead has told all others before its first session,
 * and a clock that is changed while a process runs changes nothing. An epoch is no time: it may be
 * ahead of every right clock.
 */
export class Epochs {
  readonly #clocks: Clocks;
  /** The process is this far ahead of the time that has passed for it. */
  #aheadMs: number;
  #last = 0;

  constructor(clocks = CLOCKS) {
    this.#clocks = clocks;
    this.#aheadMs = clocks.wallMs() - clocks.passedMs();
  }

  /** Gives the next epoch, which is higher than all before it. */
  next(): number {
    const epoch = this.now() + Math.floor((Math.random() * STEPS_PER_MS) / 2);
    this.#last = Math.max(epoch, this.#last + 1);
    return this.#last;
  }

  /** Returns the first epoch of this millisecond, to tell others. */
  now(): number {
    return Math.floor(this.#clocks.passedMs() + this.#aheadMs) * STEPS_PER_MS;
  }

  /** Another process has given this epoch. What is no epoch is ignored. */
  heard(epoch: unknown): void {
    if (typeof epoch !== 'number' || !(epoch <= EPOCH_MAX)) return;
    // The steps are left out: with them, the epochs of all would run ahead a little each time.
    const heardMs = Math.floor(epoch / STEPS_PER_MS);
    this.#aheadMs = Math.max(this.#aheadMs, heardMs - this.#clocks.passedMs());
  }
}
