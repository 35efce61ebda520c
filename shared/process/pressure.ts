import { performance } from 'node:perf_hooks';

/** `utilization` is the busy share of the event loop's time, and `waiting` counts what waits. */
type Load = { utilization: number; waiting: number };

/**
 * A pause takes `calmMs` up to the first utilization, and `pressedMs` from the second one on. It
 * grows evenly in between: a step would end the pressure that caused it, and so come and go.
 */
export type Gap = { calmMs: number; pressedMs: number; between: readonly [number, number] };

/** A sample of the event loop spans at least this time. A burst of 20 ms alone is no pressure. */
const SAMPLE_MS = 100;
/** When this many rows wait, they have waited for each other anyway, so the whole pause is due. */
const WAITING_MANY = 64;
/**
 * A process that hands on what others have gathered gathers again only if it is as busy as this.
 * Its work then waits for it anyway, so a pause costs little time. At 4000 messages/s, when 2 cores
 * are full, p99 is 97 to 113 ms from 0.6 to 0.8, 66 ms from 0.4 to 0.6, and 71 to 102 ms from 0.3
 * to 0.5.
 */
export const BUSY = [0.4, 0.6] as const;

/** Returns the pause before a process sends or writes what it has gathered. */
export function gapMs({ utilization, waiting }: Load, gap: Gap): number {
  const { calmMs, pressedMs, between } = gap;
  if (waiting >= WAITING_MANY) return pressedMs;
  const [from, to] = between;
  const share = Math.min(1, Math.max(0, (utilization - from) / (to - from)));
  return calmMs + share * (pressedMs - calmMs);
}

type LoopTimes = { idle: number; active: number };

/**
 * Knows how busy the event loop of this process is. Gathering saves CPU and costs time, so a
 * process that has CPU to spare gathers nothing, and one that has none gathers as much as it may.
 */
export class Pressure {
  readonly #read: () => LoopTimes;
  #sampled: LoopTimes;
  #utilization = 0;

  constructor(read: () => LoopTimes = () => performance.eventLoopUtilization()) {
    this.#read = read;
    this.#sampled = read();
  }

  /** The busy share of the event loop's time in the last sample, from 0 to 1. */
  get utilization(): number {
    const times = this.#read();
    const active = times.active - this.#sampled.active;
    const elapsed = active + times.idle - this.#sampled.idle;
    if (elapsed >= SAMPLE_MS) {
      this.#utilization = active / elapsed;
      this.#sampled = times;
    }
    return this.#utilization;
  }

  /** `waiting` counts the rows that wait for what follows the pause. */
  gapMs(gap: Gap, waiting = 0): number {
    return gapMs({ utilization: this.utilization, waiting }, gap);
  }
}
