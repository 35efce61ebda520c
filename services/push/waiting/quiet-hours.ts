import { zoneClock } from '../../../shared/business/zone-clock.ts';
import type { QuietHours } from '../../../shared/protocol/devices/device-requests.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Tells whether the clock on the wall of the zone stands within the hours. Hours that end before
 * they begin last over midnight. A clock that is put forward may skip their begin or their end, and
 * one that is put back may show them twice: what it shows decides. A zone that Node does not know
 * has no hours.
 */
export function isQuiet({ time_zone, from, to }: QuietHours, atMs: number): boolean {
  const begin = minuteOf(from);
  const end = minuteOf(to);
  let wallMs: number;
  try {
    wallMs = zoneClock(time_zone).wallTime(atMs);
  } catch {
    return false;
  }
  const minute = Math.floor((((wallMs % DAY_MS) + DAY_MS) % DAY_MS) / MINUTE_MS);
  return begin < end ? minute >= begin && minute < end : minute >= begin || minute < end;
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
