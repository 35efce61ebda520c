import { type Kysely, sql } from 'kysely';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { DurableEvents } from '../../../shared/durable-events/durable-event.ts';
import type { EventId, UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { classifyFailure } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import { cutToBytes } from '../records/cut-to-bytes.ts';
import { ClaimStart } from './claim-start.ts';
import { loadReadable } from './load-readable.ts';
import { createOldestOwed } from './oldest-owed.ts';
import type { OwedRow } from './to-entry.ts';

type Deps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  events?: DurableEvents | undefined;
  metrics: Metrics;
  logger: Logger;
};
type Request = { event_ids?: EventId[]; limit: number; lease_ms: number };
type Claim = { entries: OutboxEntry[]; oldest_at: string; claimed_at?: string };
type ClaimedRow = OwedRow & { missed: UserId[] | null; is_fed: boolean; claimed_at: string };

/** A row younger than this is left to the router that appended it. */
const OWED_AFTER_S = 5;
const LIMIT_MAX = 500;
const LEASE_MS_MAX = 600_000;
/** A row that cannot be read is tried again after this time. */
const UNREADABLE_MS = 600_000;

/** These functions of migration 0010 claim rows. The rows of the first one come first. */
const CLAIMS = ['claim_owed_to_users', 'claim_owed_to_feed'] as const;

/**
 * `outbox.claim` leases the fan-outs that are owed to the caller and returns them: first those that
 * are owed to users, oldest first, and then those that only the feed lacks, oldest first. A request
 * without `event_ids` claims rows older than 5 s; a request with `event_ids` claims the named rows,
 * whatever their age. The claim skips a row that another caller has leased or is leasing right now.
 * A row can be claimed again once its lease has run out. The entries of a reply take at most 512
 * KiB, and the rows beyond that are unclaimed again.
 *
 * A row that cannot be read costs only itself: it stays owed, is counted, and is tried again after
 * 10 minutes. A row whose message or conversation is gone owes nothing: it is deleted and counted.
 * A claim that Postgres does not carry out in time halves the next one, down to one row, and each
 * claim that is carried out doubles the next one again. The rows of a claim that failed stay
 * leased, so the next claim takes others.
 */
export function createClaimOutbox(deps: Deps) {
  const { db, metrics, logger } = deps;
  const unreadable = metrics.counter(
    'kaha_outbox_unreadable_total',
    'Claims of owed rows that could not be read',
  );
  const gone = metrics.counter(
    'kaha_outbox_void_total',
    'Rows deleted because what they tell of is gone',
  );
  const oldest = createOldestOwed(db);
  const claims = CLAIMS.map((name) => ({ name, start: new ClaimStart() }));
  let limitMax = LIMIT_MAX;

  const claimRows = async (request: Request): Promise<ClaimedRow[]> => {
    const limit = Math.min(request.limit, limitMax);
    const leaseMs = Math.min(request.lease_ms, LEASE_MS_MAX);
    const { event_ids: eventIds } = request;
    if (eventIds !== undefined) return claimNamed(db, eventIds.slice(0, limit), leaseMs);
    const rows: ClaimedRow[] = [];
    for (const { name, start } of claims) {
      const wanted = limit - rows.length;
      if (wanted === 0) break;
      const from = start.next(steadyMs());
      const found = await claimOldest(db, { name, from, limit: wanted, leaseMs });
      start.note(from, { isFull: found.length === wanted, lastAt: found.at(-1)?.created_at });
      if (from !== undefined && found.length < wanted) {
        const look = { name, from: undefined, limit: wanted - found.length, leaseMs };
        rows.push(...(await claimOldest(db, look)));
      }
      rows.push(...found);
    }
    return rows;
  };

  const claim = async (request: Request): Promise<Claim> => {
    const rows = await claimRows(request);
    const loaded = await loadReadable(deps, rows);
    if (loaded.gone.length > 0) {
      gone.inc(await deleteRows(db, loaded.gone));
      const events = rows
        .filter(({ event_id }) => loaded.gone.includes(event_id))
        .map(({ event_id, kind }) => ({ event_id, kind }));
      logger.info({ events }, 'what these owed events tell of is gone');
    }
    if (loaded.unreadable.length > 0) {
      unreadable.inc(loaded.unreadable.length);
      logger.error({ event_ids: loaded.unreadable }, 'owed events cannot be read');
      await setAside(db, loaded.unreadable);
    }
    const { kept, cut } = cutToBytes(withMissed(loaded.entries, rows));
    if (cut.length > 0) await unclaim(db, cut);
    const [row] = rows;
    const at = row && { claimed_at: row.claimed_at };
    return { entries: kept, oldest_at: await oldest(), ...at };
  };

  return async (request: Request): Promise<Claim> => {
    try {
      const claimed = await claim(request);
      limitMax = Math.min(LIMIT_MAX, limitMax * 2);
      return claimed;
    } catch (error) {
      const limit = Math.min(request.limit, limitMax);
      if (classifyFailure(error) === 'frozen') limitMax = Math.max(1, limit >> 1);
      throw error;
    }
  };
}

type Look = {
  name: (typeof CLAIMS)[number];
  /** The claim looks from this time on, or from the oldest row on. */
  from: string | undefined;
  limit: number;
  leaseMs: number;
};

async function claimOldest(
  db: Kysely<Database>,
  { name, from, limit, leaseMs }: Look,
): Promise<ClaimedRow[]> {
  const { rows } = await sql<ClaimedRow>`
    select event_id, conversation_id, kind, seq, payload, created_at, missed, is_fed,
      now() as claimed_at
    from ${sql.raw(name)}(${from ?? null}::timestamptz, ${limit}::int,
      make_interval(secs => ${leaseMs / 1_000}::float8), make_interval(secs => ${OWED_AFTER_S}))
    order by created_at`.execute(db);
  return rows;
}

async function claimNamed(
  db: Kysely<Database>,
  eventIds: readonly EventId[],
  leaseMs: number,
): Promise<ClaimedRow[]> {
  const { rows } = await sql<ClaimedRow>`
    with claimed as (
      update outbox set claimed_until = now() + ${leaseMs} * interval '1 ms'
      where event_id in (
        select event_id from outbox
        where event_id = any(${eventIds}::uuid[])
          and (claimed_until is null or claimed_until < now())
        for update skip locked)
      returning event_id, conversation_id, kind, seq, payload, created_at, missed, is_fed,
        now() as claimed_at)
    select * from claimed order by created_at`.execute(db);
  return rows;
}

/** An entry tells what earlier fan-outs have noted in its row. */
function withMissed(entries: readonly OutboxEntry[], rows: readonly ClaimedRow[]): OutboxEntry[] {
  const byId = new Map(rows.map((row) => [row.event_id, row]));
  return entries.map((entry) => {
    const { missed = null, is_fed: isFed = false } = byId.get(entry.event_id) ?? {};
    return { ...entry, ...(missed && { missed }), ...(isFed && { is_fed: true as const }) };
  });
}

async function setAside(db: Kysely<Database>, eventIds: readonly EventId[]): Promise<void> {
  await sql`update outbox
    set is_unreadable = true, claimed_until = now() + ${UNREADABLE_MS} * interval '1 ms'
    where event_id = any(${eventIds}::uuid[])`.execute(db);
}

async function unclaim(db: Kysely<Database>, entries: readonly OutboxEntry[]): Promise<void> {
  await sql`update outbox set claimed_until = null
    where event_id = any(${entries.map(({ event_id }) => event_id)}::uuid[])`.execute(db);
}

/** Returns how many rows were there to delete. */
async function deleteRows(db: Kysely<Database>, eventIds: readonly EventId[]): Promise<number> {
  const { numAffectedRows } = await sql`delete from outbox
    where event_id = any(${eventIds}::uuid[])`.execute(db);
  return Number(numAffectedRows ?? 0);
}
