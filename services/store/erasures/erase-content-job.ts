import type { Redis } from 'ioredis';
import { type Kysely, sql } from 'kysely';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { Job, JobKind, JobOutcome } from '../jobs/job-kind.ts';
import { clearTexts } from './clear-texts.ts';
import { closeContent, listResyncs } from './close-content.ts';
import type { ContentPlace } from './content-place.ts';
import { clockOf, hasPassed, SETTLED_MS } from './erasure-clock.ts';
import { takeResyncs } from './take-resyncs.ts';

type Deps = {
  db: Kysely<Database>;
  redis: Redis | undefined;
  settledMs?: number | undefined;
};
type PlaceOf<Phase extends ContentPlace['phase']> = Extract<ContentPlace, { phase: Phase }>;
type Next = { place: ContentPlace } & Partial<Omit<JobOutcome, 'place'>>;

const WAIT_MS = 500;

/**
 * Takes the steps of an erasure of a conversation's content, see `ContentPlace`. Each message is a
 * part of the work.
 */
export function createEraseContentJob(deps: Deps): JobKind {
  return async (job, isCarriedOut) => {
    const { done, total } = job;
    if (!('phase' in job.place)) return { done, total, ...(await close(deps, job)) };
    const place = job.place as ContentPlace;
    switch (place.phase) {
      case 'resyncs':
        return { done, total, ...(await resync(deps, job, { place, isCarriedOut })) };
      case 'settle':
        return { done, total, ...(await settle(deps, job, place)) };
      case 'rows':
        return { done, total, ...(await clearRows(deps, job, place)) };
    }
  };
}

async function close({ db }: Deps, job: Job): Promise<Next | JobOutcome> {
  const place = await closeContent(db, job);
  if (place === undefined) return { place: {}, done: job.total, total: job.total, isDone: true };
  const first = (await oldestOf(db, job)) ?? place.until + 1;
  // The end is one part more.
  return { place, done: 0, total: Math.max(place.until - first + 1, 0) + 1 };
}

type Resync = { place: PlaceOf<'resyncs'>; isCarriedOut: boolean };

async function resync(deps: Deps, job: Job, resyncs: Resync): Promise<Next> {
  const { place, isCarriedOut } = resyncs;
  const told = isCarriedOut ? place.user_ids : [];
  const user_ids: UserId[] = await takeResyncs(deps, { jobId: job.job_id, told });
  const { until, round } = place;
  if (user_ids.length > 0) {
    return { place: { ...place, user_ids }, tasks: [{ task: 'resync', user_ids }] };
  }
  if (round === 2) return { place, done: job.total, isDone: true };
  return { place: { phase: 'settle', until, since: await clockOf(deps.db) } };
}

/** A router that brings a message to its recipients owes it until they have it. */
async function settle(
  { db, settledMs = SETTLED_MS }: Deps,
  job: Job,
  place: PlaceOf<'settle'>,
): Promise<Next> {
  const { until, since } = place;
  const { rows } = await sql`
    select from outbox where conversation_id = ${job.subject} and seq <= ${until}::bigint
      and missed is distinct from '{}' and not is_unreadable limit 1`.execute(db);
  const isOver = rows.length === 0 || (await hasPassed(db, since, settledMs));
  if (!isOver) return { place, wait_ms: WAIT_MS };
  const seq = ((await oldestOf(db, job)) ?? until + 1) - 1;
  return { place: { phase: 'rows', until, seq } };
}

async function clearRows({ db }: Deps, job: Job, place: PlaceOf<'rows'>): Promise<Next> {
  const id = job.subject as ConversationId;
  const { until, seq } = place;
  if (seq < until) {
    const next = await clearTexts(db, { conversationId: id, after: seq, until });
    const done = Math.min(job.done + next - seq, job.total - 1);
    return { place: { ...place, seq: next }, done };
  }
  await sql`delete from outbox where conversation_id = ${id}
    and seq <= ${until}::bigint`.execute(db);
  await listResyncs(db, { jobId: job.job_id, id });
  return { place: { phase: 'resyncs', round: 2, until, user_ids: [] } };
}

async function oldestOf(db: Kysely<Database>, job: Job): Promise<number | undefined> {
  const { rows } = await sql<{ seq: number | null }>`select min(seq) as seq from messages
    where conversation_id = ${job.subject}`.execute(db);
  return rows[0]?.seq ?? undefined;
}
