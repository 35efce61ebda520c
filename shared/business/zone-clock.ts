import { LRUCache } from 'lru-cache';

const HOUR_MS = 3_600_000;
/** No zone has been further ahead of UTC since 1970. */
const AHEAD_MS_MAX = 14 * HOUR_MS;
/** No zone has been further behind UTC since 1970. */
const BEHIND_MS_MAX = 12 * HOUR_MS;
/** A zone that is asked for beyond this number evicts another, and is made anew in about 40 µs. */
const KEPT_MAX = 128;

const kept = new LRUCache<string, ZoneClock>({ max: KEPT_MAX });

/**
 * A wall time is what clocks on walls in a zone show. It is written as the milliseconds at which a
 * clock of UTC shows the same date and time, so that wall times are compared and added as numbers.
 */
type WallMs = number;

/**
 * Returns the clock of a zone by its IANA name. Throws a `RangeError` for a name that Node does not
 * know. Node brings the rules of the zones, so an edge and a store of one release agree on them.
 */
export function zoneClock(timeZone: string): ZoneClock {
  const known = kept.get(timeZone);
  if (known !== undefined) return known;
  const clock = new ZoneClock(timeZone);
  kept.set(timeZone, clock);
  return clock;
}

/**
 * Translates between instants and wall times of one zone, for instants from 1970 on.
 *
 * A clock that is put forward skips wall times, and one that is put back shows some twice. A wall
 * time therefore has two instants. `firstMs` is the first instant at which the clock shows it or a
 * later time, and `lastMs` the last one up to which the clock shows earlier times. The two differ
 * for a time that is shown twice. They are the switch itself for a time that is skipped.
 */
export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  wallTime(atMs: number): WallMs {
    return atMs + this.#offsetMs(atMs);
  }

  instants(wallMs: WallMs): { firstMs: number; lastMs: number } {
    const fromMs = wallMs - AHEAD_MS_MAX;
    const toMs = wallMs + BEHIND_MS_MAX;
    const before = wallMs - this.#offsetMs(fromMs);
    const after = wallMs - this.#offsetMs(toMs);
    if (before === after) return { firstMs: before, lastMs: before };
    const switchMs = this.#switchBetween(fromMs, toMs);
    return {
      firstMs: before < switchMs ? before : Math.max(switchMs, after),
      lastMs: after > switchMs ? after : Math.min(switchMs, before),
    };
  }

  /**
   * Finds the switch that lies in (`fromMs`, `toMs`]. No zone has had two switches within the 26 h
   * of such a search since 1970.
   */
  #switchBetween(fromMs: number, toMs: number): number {
    const offsetMs = this.#offsetMs(fromMs);
    let earlier = Math.floor(fromMs / 1_000);
    let later = Math.ceil(toMs / 1_000);
    while (later - earlier > 1) {
      const middle = Math.floor((earlier + later) / 2);
      if (this.#offsetMs(middle * 1_000) === offsetMs) earlier = middle;
      else later = middle;
    }
    return later * 1_000;
  }

  /** Returns how far the zone is ahead of UTC, in whole seconds. */
  #offsetMs(atMs: number): number {
    const secondMs = Math.floor(atMs / 1_000) * 1_000;
    const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of this.#format.formatToParts(secondMs)) {
      if (type in shown) shown[type as keyof typeof shown] = Number(value);
    }
    const { year, month, day, hour, minute, second } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) - secondMs;
  }
}
