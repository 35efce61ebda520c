import { clockTime, dayLabel } from '../parts/times.ts';

/** A choice without hours mutes for good. */
type MuteChoice = { label: string; hours?: number };

export const MUTE_CHOICES: readonly MuteChoice[] = [
  { label: '1 hour', hours: 1 },
  { label: '8 hours', hours: 8 },
  { label: '1 week', hours: 7 * 24 },
  { label: 'Always' },
];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Returns the time until which a conversation is muted. Without hours there is none. */
export function mutedUntil(hours: number | undefined, nowMs: number): string | undefined {
  return hours === undefined ? undefined : new Date(nowMs + hours * HOUR_MS).toISOString();
}

/** Says how long a conversation is muted. */
export function sayMute(until: string | undefined, now = new Date()): string {
  if (until === undefined) return 'Muted';
  const day = dayLabel(until, now);
  if (day === 'Today') return `Muted until ${clockTime(until)}`;
  const isTomorrow = dayLabel(until, new Date(now.getTime() + DAY_MS)) === 'Today';
  return `Muted until ${isTomorrow ? 'tomorrow' : day}, ${clockTime(until)}`;
}
