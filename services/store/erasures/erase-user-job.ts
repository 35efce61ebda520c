import type { Redis } from 'ioredis';
import { type Kysely, sql } from 'kysely';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import type { Job, JobKind, JobOutcome } from '../jobs/job-kind.ts';
import { endConversation } from './end-conversation.ts';
import { endMembership, findConversation } from './end-membership.ts';
import { eraseActs } from './erase-acts.ts';
import {
  eraseDeletions,
  eraseDevices,
  eraseEvents,
  eraseExports,
  eraseOwed,
  eraseReactions,
  eraseSendKeys,
  eraseSteps,
  isOwedSince,
} from './erase-records.ts';
import { deleteTexts, eraseTexts } from './erase-texts.ts';
import { clockOf, hasPassed, SETTLED_MS } from './erasure-clock.ts';
import type { InConversation, Place, PlaceOf } from './erasure-place.ts';
import { forgetUser, isHeld } from './forget-in-redis.ts';
import { takeResyncs } from './take-resyncs.ts';

type Deps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  redis: Redis | undefined;
  settledMs?: number | undefined;
};
type PhaseName = Place['phase'];
type Step<Name extends PhaseName> = {
  job: Job;
  userId: UserId;
  place: PlaceOf<Name>;
  isCarriedOut: boolean;
};
type Next = { place: Place } & Partial<Omit<JobOutcome, 'place'>>;
type Phase<Name extends PhaseName> = (deps: Deps, step: Step<Name>) => Promise<Next>;
type Phases = { [Name in PhaseName]: Phase<Name> };

const AGENTS_PAGE = 20;
/** An edge that has died says so long that it holds a user. */
const HELD_MS = 60_000;
const WAIT_MS = 500;
/** This is the first place in the order of UUIDs. */
const FIRST = '00000000-0000-0000-0000-000000000000';

/** Takes the steps of an erasure, see `Place`. Each conversation is a part of the work. */
export function createEraseUserJob(deps: Deps): JobKind {
  return async (job, isCarriedOut) => {
    const place = { phase: 'sign_out', ...job.place } as Place;
    const step = { job, userId: job.subject as UserId, place, isCarriedOut };
    const next = await take(deps, place.phase, step);
    return { done: job.done, total: job.total, ...next };
  };
}

function take<Name extends PhaseName>(deps: Deps, name: Name, step: Step<Name>): Promise<Next> {
  const phase: Phase<Name> = PHASES[name];
  return phase(deps, step);
}

const PHASES: Phases = {
  async sign_out({ db }, { userId, place, isCarriedOut }) {
    if (!isCarriedOut) return { place, tasks: [{ task: 'sign_out', user_id: userId }] };
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from participants where user_id = ${userId}`.execute(db);
    // The end is one part more.
    return { place: { phase: 'agents' }, total: (rows[0]?.count ?? 0) + 1 };
  },

  async agents({ db }, { userId: user_id, place }) {
    const { rows } = await sql<{ business_id: BusinessId }>`
      select business_id from business_agents where user_id = ${user_id}
      order by business_id limit ${AGENTS_PAGE}`.execute(db);
    if (rows.length === 0) return { place: { phase: 'conversations' } };
    const tasks = rows.map(({ business_id }) => {
      return { task: 'remove_agent' as const, business_id, user_id };
    });
    return { place, tasks };
  },

  conversations: (deps, step) => {
    const { at } = step.place;
    return at === undefined ? enter(deps, step) : eraseIn(deps, step, at);
  },

  async reactions({ db }, { userId, place }) {
    const hasMore = await eraseReactions(db, userId);
    return { place: hasMore ? place : { phase: 'steps', after: 0 } };
  },

  async steps(deps, { job, userId, place }) {
    const erasing = { jobId: job.job_id, userId };
    const next = await eraseActs(deps, place, erasing);
    if (next !== undefined) return { place: { phase: 'steps', ...next } };
    const after = await eraseSteps(deps.db, userId, place.after);
    return after === undefined
      ? { place: { phase: 'deletions', after: FIRST } }
      : { place: { phase: 'steps', after } };
  },

  async deletions({ db }, { userId, place }) {
    const after = await eraseDeletions(db, userId, place.after);
    return after === undefined
      ? { place: { phase: 'events', at: new Date(0).toISOString(), id: FIRST } }
      : { place: { phase: 'deletions', after } };
  },

  async events({ db }, { userId, place }) {
    const next = await eraseEvents(db, userId, place);
    return next === undefined
      ? { place: { phase: 'settle', since: await clockOf(db) } }
      : { place: { phase: 'events', ...next } };
  },

  async settle({ db, settledMs = SETTLED_MS }, { userId, place }) {
    await eraseOwed(db, userId);
    const isLate = await hasPassed(db, place.since, settledMs);
    if (!isLate && (await isOwedSince(db, place.since))) return { place, wait_ms: WAIT_MS };
    await eraseDevices(db, userId);
    await eraseExports(db, userId);
    return { place: { phase: 'redis', since: await clockOf(db) } };
  },

  async redis({ db, redis }, { userId, place }) {
    if (redis !== undefined) {
      const isLate = await hasPassed(db, place.since, HELD_MS);
      if (!isLate && (await isHeld(redis, userId))) return { place, wait_ms: WAIT_MS };
      await forgetUser(redis, userId);
    }
    return { place: { phase: 'resyncs', user_ids: [] } };
  },

  async resyncs({ db, redis }, { job, place, isCarriedOut }) {
    const told = isCarriedOut ? place.user_ids : [];
    const user_ids = await takeResyncs({ db, redis }, { jobId: job.job_id, told });
    if (user_ids.length === 0) return { place: { phase: 'end' } };
    return { place: { phase: 'resyncs', user_ids }, tasks: [{ task: 'resync', user_ids }] };
  },

  async end({ db, redis }, { job, userId, place, isCarriedOut }) {
    if (!isCarriedOut) return { place, tasks: [{ task: 'sign_out', user_id: userId }] };
    await eraseOwed(db, userId);
    await eraseDevices(db, userId);
    await eraseExports(db, userId);
    if (redis !== undefined) await forgetUser(redis, userId);
    return { place, done: job.total, isDone: true };
  },
};

async function enter({ db }: Deps, { job, userId, place }: Step<'conversations'>): Promise<Next> {
  const id = await findConversation(db, userId);
  if (id === undefined) return { place: { phase: 'reactions' } };
  const erasing = { jobId: job.job_id, userId };
  const ended = await db.transaction().execute((tx) => endMembership(tx, id, erasing));
  if (ended === 'gone') return { place };
  if ('task' in ended) return { place, tasks: [ended.task] };
  return { place: { ...place, at: ended.at } };
}

async function eraseIn(
  deps: Deps,
  { job, userId }: Step<'conversations'>,
  at: InConversation,
): Promise<Next> {
  const { conversation_id: conversationId, is_nobodys: isNobodys } = at;
  if (at.seq < at.last_seq) {
    const next = isNobodys ? await deleteTexts(deps, at) : await eraseTexts(deps, { at, userId });
    return { place: { phase: 'conversations', at: next } };
  }
  const sender = { conversationId, userId: isNobodys ? undefined : userId };
  if (await eraseSendKeys(deps.db, sender)) return { place: { phase: 'conversations', at } };
  await endConversation(deps.db, at, userId);
  return { place: { phase: 'conversations' }, done: Math.min(job.done + 1, job.total) };
}
