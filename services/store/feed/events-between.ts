import { type Kysely, sql } from 'kysely';
import type { EventsPage, EventsRange } from '../../../shared/contracts/feed.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4 } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Database } from '../database/schema.ts';
import type { OwedRow } from '../outbox/to-entry.ts';
import { cutToBytes } from '../records/cut-to-bytes.ts';
import { decodeCursor, encodeCursor, isIsoTime } from '../records/opaque-cursor.ts';
import { type FeedDeps, loadFeedEvents } from './feed-events.ts';

/** Reading goes on behind this event, or at this time if `id` is lower than any id. */
type Place = { at: string; id: string };

const LIMIT_MAX = 500;
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';
/**
 * A page reads spans of time, the first of 1 s. Each span without a full page lets the next be
 * twice as long, up to 64 s: Postgres sorts what a span has, at most some 100 000 events.
 */
const SPAN_MS = { first: 1_000, max: 64_000 };
/** A page that has looked for this long is answered as it is, perhaps empty. */
const PAGE_MS = 500;

/**
 * `events.between` tells the durable events from `from` until before `until` again, in the order of
 * their times, to those who get them now. It knows only what is committed: an event of the last 10
 * s may be told by the feed alone. Events that are no messages are known for 8 days. A page has up
 * to 500 events and 512 KiB; one with fewer, or with none, can have a `next_cursor`. Refusal:
 * INVALID_REQUEST.
 */
export async function readEventsBetween(deps: FeedDeps, range: EventsRange): Promise<EventsPage> {
  const { limit, ...asked } = readRange(range);
  const untilMs = Date.parse(range.until);
  const endsAtMs = steadyMs() + PAGE_MS;
  const rows: OwedRow[] = [];
  let place = asked.place;
  let spanMs = SPAN_MS.first;
  while (Date.parse(place.at) < untilMs && steadyMs() < endsAtMs) {
    const endMs = Math.min(Date.parse(place.at) + spanMs, untilMs);
    const until = new Date(endMs).toISOString();
    const found = await selectSpan(deps.db, { place, until, limit: limit - rows.length });
    rows.push(...found);
    const last = rows.at(-1);
    if (last !== undefined && rows.length === limit) {
      place = { at: last.created_at, id: last.event_id };
      break;
    }
    place = { at: until, id: LOWEST_ID };
    spanMs = Math.min(spanMs * 2, SPAN_MS.max);
  }
  const { kept: events, cut } = cutToBytes(await loadFeedEvents(deps, rows));
  const last = cut.length > 0 ? events.at(-1) : undefined;
  if (last !== undefined) place = { at: last.at, id: last.event_id };
  const isEnd = Date.parse(place.at) >= untilMs;
  return { events, next_cursor: isEnd ? null : encodeCursor(listOf(range), [place.at, place.id]) };
}

function listOf({ from, until }: EventsRange): string {
  return `events ${from} ${until}`;
}

function readRange({ from, until, cursor, limit = LIMIT_MAX }: EventsRange): {
  place: Place;
  limit: number;
} {
  if (!isIsoTime(from) || !isIsoTime(until)) {
    throw new KahaError('INVALID_REQUEST', 'from and until are times');
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new KahaError('INVALID_REQUEST', `limit is a whole number from 1 to ${LIMIT_MAX}`);
  }
  if (cursor === undefined) return { place: { at: from, id: LOWEST_ID }, limit };
  const [at, id] = decodeCursor(listOf({ from, until }), cursor, [isIsoTime, isEventId]) as [
    string,
    string,
  ];
  return { place: { at, id }, limit };
}

function isEventId(part: unknown): boolean {
  return part === LOWEST_ID || isUuidV4(part);
}

type Span = { place: Place; until: string; limit: number };

/** The rows are like those of the outbox; a function of migration 0011 finds them. */
async function selectSpan(db: Kysely<Database>, { place, until, limit }: Span): Promise<OwedRow[]> {
  const { rows } = await sql<OwedRow>`
    select * from past_events(${place.at}::timestamptz, ${until}::timestamptz,
      ${place.id}::uuid, ${limit}::int)`.execute(db);
  return rows;
}
