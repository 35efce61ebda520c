import { type Kysely, sql } from 'kysely';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import type { DurableEvents } from '../../../shared/durable-events/durable-event.ts';
import type { EventId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { Database } from '../database/schema.ts';
import { loadOutboxEntries, type OwedRow } from './outbox-entries.ts';

type Deps = { db: Kysely<Database>; cipher: ContentCipher; events?: DurableEvents };
type Request = { event_ids?: EventId[]; limit: number; lease_ms: number };

/** A row younger than this is left to the router that appended it. */
const OWED_AFTER_S = 5;
const LIMIT_MAX = 500;
const LEASE_MS_MAX = 600_000;
/** The entries of one reply take at most this much; the rows beyond it are unclaimed again. */
const REPLY_BYTES_MAX = 512 * 1024;

/**
 * `outbox.claim` leases the fan-outs that are owed to the caller and returns them. A request
 * without `event_ids` claims rows older than 5 s; a request with `event_ids` claims the named rows,
 * whatever their age. The claim skips a row that another caller has leased or is leasing right now.
 * A row can be claimed again once its lease has run out.
 */
export async function claimOutbox(
  deps: Deps,
  { event_ids, limit, lease_ms }: Request,
): Promise<{ entries: OutboxEntry[] }> {
  const which = event_ids
    ? sql`event_id = any(${event_ids}::uuid[])`
    : sql`created_at < now() - make_interval(secs => ${OWED_AFTER_S})`;
  const { rows } = await sql<OwedRow>`
    update outbox set claimed_until = now() + ${Math.min(lease_ms, LEASE_MS_MAX)} * interval '1 ms'
    where event_id in (
      select event_id from outbox
      where ${which} and (claimed_until is null or claimed_until < now())
      limit ${Math.min(limit, LIMIT_MAX)}
      for update skip locked)
    returning event_id, conversation_id, kind, seq, payload, created_at`.execute(deps.db);
  const { entries, void: voided } = await loadOutboxEntries(deps, rows);
  if (voided.length > 0) await deleteRows(deps.db, voided);
  const { kept, cut } = cutToBytes(entries);
  if (cut.length > 0) await unclaim(deps.db, cut);
  return { entries: kept };
}

function cutToBytes(entries: readonly OutboxEntry[]): { kept: OutboxEntry[]; cut: EventId[] } {
  let bytes = 0;
  const kept: OutboxEntry[] = [];
  const cut: EventId[] = [];
  for (const entry of entries) {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    if (kept.length === 0 || bytes <= REPLY_BYTES_MAX) kept.push(entry);
    else cut.push(entry.event_id);
  }
  return { kept, cut };
}

async function unclaim(db: Kysely<Database>, eventIds: readonly EventId[]): Promise<void> {
  await sql`update outbox set claimed_until = null
    where event_id = any(${eventIds}::uuid[])`.execute(db);
}

async function deleteRows(db: Kysely<Database>, eventIds: readonly EventId[]): Promise<void> {
  await sql`delete from outbox where event_id = any(${eventIds}::uuid[])`.execute(db);
}
