import type { Presence } from '../../../../clients/js/src/index.ts';
import { clockTime, dayLabel, relativeTime } from '../../parts/times.ts';
import { listOf } from '../log/arrivals.ts';

/** Says who types: "typing …" where there is only one other person. */
export function sayTyping(names: readonly string[], isDirect: boolean): string {
  if (names.length === 0) return '';
  if (isDirect) return 'typing …';
  return `${listOf(names)} ${names.length === 1 ? 'is' : 'are'} typing …`;
}

/** Says whether somebody is there, or when they were. An unknown presence says nothing. */
export function sayPresence(presence: Presence, now = new Date()): string {
  const { status, last_seen_at: seenAt, opens_at: opensAt, business_id: businessId } = presence;
  if (status === 'unknown') return '';
  if (businessId !== undefined) return sayBusiness(status === 'online', opensAt, now);
  if (status === 'online') return 'online';
  return seenAt === undefined ? 'offline' : `last seen ${ago(seenAt, now)}`;
}

function sayBusiness(isOnline: boolean, opensAt: string | undefined, now: Date): string {
  if (isOnline) return 'Open now';
  if (opensAt === undefined) return 'Nobody is there right now';
  return `Closed, opens ${dayOf(opensAt, now)} at ${clockTime(opensAt)}`;
}

function ago(iso: string, now: Date): string {
  const shown = relativeTime(iso, now);
  if (shown === 'now') return 'a moment ago';
  if (shown.endsWith('min')) return `${shown} ago`;
  if (shown === 'Yesterday') return `yesterday at ${clockTime(iso)}`;
  return dayLabel(iso, now) === 'Today' ? `at ${shown}` : `on ${dayLabel(iso, now)}`;
}

const WEEKDAY = new Intl.DateTimeFormat('en', { weekday: 'long' });
const DAY_MS = 24 * 3_600_000;

function dayOf(iso: string, now: Date): string {
  if (dayLabel(iso, now) === 'Today') return 'today';
  const tomorrow = new Date(now.getTime() + DAY_MS);
  return dayLabel(iso, tomorrow) === 'Today' ? 'tomorrow' : `on ${WEEKDAY.format(new Date(iso))}`;
}
