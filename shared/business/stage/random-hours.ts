import type { OpeningHours } from '../opening-spans.ts';

/** Draws a whole number from 0 to below `count`. */
type Draw = (count: number) => number;

const DAY_MS = 86_400_000;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** Most switches are at night, so most of the drawn times are, too. */
const NIGHT_MINUTES = 300;
const ZONES = Intl.supportedValuesOf('timeZone');

/** Returns a draw that repeats itself for the same seed (mulberry32). */
export function makeDraw(seed: number): Draw {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
}

/**
 * Draws settings, and an instant that lies within a day of a switch of their zone if the zone had
 * one in the drawn year. Years begin at 1973, because a minute of a zone's clock began within a
 * minute of UTC until 1972.
 */
export function drawHours(draw: Draw): { settings: OpeningHours; aroundMs: number } {
  const time_zone = ZONES[draw(ZONES.length)] as string;
  const year = draw(10) === 0 ? 2_100 + draw(7_899) : 1_973 + draw(127);
  const days = Array.from({ length: 365 }, (_, day) => Date.UTC(year, 0, 1 + day, draw(24)));
  const switches = switchesOf(time_zone, days);
  const near = switches.length > 0 ? switches : days;
  const aroundMs = near[draw(near.length)] as number;
  const hours = Object.fromEntries(WEEKDAYS.map((weekday) => [weekday, drawIntervals(draw)]));
  const exceptions = Array.from({ length: draw(4) }, (_, index) => ({
    date: new Date(aroundMs + (2 * index - 3) * DAY_MS).toISOString().slice(0, 10),
    intervals: drawIntervals(draw),
  }));
  const settings = { time_zone, exceptions, ...(draw(8) > 0 && { hours }) };
  return { settings, aroundMs };
}

function switchesOf(timeZone: string, days: readonly number[]): number[] {
  const clock = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offsets = days.map((day) => clock.format(day).split('GMT')[1]);
  return days.filter((_, day) => day > 0 && offsets[day] !== offsets[day - 1]);
}

function drawIntervals(draw: Draw): [string, string][] {
  const intervals: [string, string][] = [];
  for (let count = draw(4); count > 0; count -= 1) {
    const start = drawTime(draw);
    const end = draw(6) === 0 ? '24:00' : drawTime(draw);
    if (start !== end) intervals.push([start, end]);
  }
  return intervals;
}

function drawTime(draw: Draw): string {
  const step = draw(2) === 0 ? 15 : 1;
  const minutes = draw((draw(3) > 0 ? NIGHT_MINUTES : 1_440) / step) * step;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
