import { type Kysely, sql } from 'kysely';
import type { PossibleStep } from '../../../shared/contracts/assignment.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { withDeadline } from '../database/deadline.ts';
import type { Database } from '../database/schema.ts';
import type { AgentPresences } from './agent-presence.ts';
import { relaxed } from './leases.ts';
import { makeDue } from './make-due.ts';
import { planBusiness } from './read-plans.ts';

type Deps = {
  db: Kysely<Database>;
  presences: AgentPresences;
  logger: Logger;
  sweepMs?: number;
};

const LIMIT_MAX = 50;
/** A sweep looks at no further business after this time, so that it answers within its deadline. */
const SWEEP_MS = 1_000;
/** The last business that it looks at gets this long besides, and counts as not looked at then. */
const LAST_MS = 500;
/** This many inboxes are told idle from open ones by one statement. */
const PAGE = 100;
/** A sweep passes over an idle inbox for this long, unless a router looks at the inbox earlier. */
const IDLE_AGAIN_MS = 300_000;

/**
 * `assignment.sweep` looks at businesses that nobody has looked at for 30 s, and tells which steps
 * are possible now. It tells how many it has looked at, and whether more may be left. A business
 * that cannot be read is left out, and its turn comes again after 30 s.
 */
export async function sweepBusinesses(
  deps: Deps,
  { limit, idle_ms }: { limit: number; idle_ms: number },
): Promise<{ swept: number; has_more: boolean; possible: PossibleStep[] }> {
  const stopAt = steadyMs() + (deps.sweepMs ?? SWEEP_MS);
  const { open, passed, isFull } = await passOverIdle(deps.db, idle_ms);
  const possible: PossibleStep[] = [];
  let [swept, isCut] = [0, false];
  for (const [nth, business_id] of open.entries()) {
    isCut = swept === Math.min(limit, LIMIT_MAX) || (nth > 0 && steadyMs() >= stopAt);
    if (isCut) break;
    if (!(await claimSweep(deps, { business_id, idle_ms }))) continue;
    swept += 1;
    possible.push(...(await readPossible(deps, business_id, stopAt + LAST_MS)));
  }
  return { swept, has_more: (isFull || isCut) && swept + passed > 0, possible };
}

/**
 * Finds those of the next inboxes that have an open conversation of a registered business. Nothing
 * is possible in the others, so they are passed over for 5 minutes. A step that makes something
 * possible makes the business due, and the router that claims the business ends that time.
 */
async function passOverIdle(
  db: Kysely<Database>,
  idleMs: number,
): Promise<{ open: BusinessId[]; passed: number; isFull: boolean }> {
  const { rows } = await sql<{ business_id: BusinessId; has_open: boolean; passed: number }>`
    with ${relaxed}, page as materialized (
      select business_id from business_inboxes
      where ${isOld(idleMs)} order by swept_at limit ${sql.lit(PAGE)}
    ), looked as materialized (
      select business_id,
        exists (select from businesses b where b.business_id = page.business_id)
        and (exists (select from conversations c
            where c.business_id = page.business_id and c.state = 'waiting')
          or exists (select from conversations c
            where c.business_id = page.business_id and c.state = 'assigned')) as has_open
      from page
    ), idle as materialized (
      select i.business_id from business_inboxes i join looked using (business_id)
      where not has_open for update of i skip locked
    ), passed as (
      update business_inboxes i
        set swept_at = now() + ${IDLE_AGAIN_MS - idleMs}::float8 * interval '1 millisecond'
        from idle, relaxed where i.business_id = idle.business_id
        returning i.business_id)
    select business_id, has_open, (select count(*) from passed)::int as passed
    from looked`.execute(db);
  const open = rows.flatMap(({ business_id, has_open }) => (has_open ? business_id : []));
  return { open, passed: rows[0]?.passed ?? 0, isFull: rows.length === PAGE };
}

/**
 * Takes the turn of a business, unless another sweep has done so first, or a step holds the inbox
 * right now. Never rejects: what was found in other businesses must be told.
 */
async function claimSweep(
  { db, logger }: Deps,
  { business_id, idle_ms }: { business_id: BusinessId; idle_ms: number },
): Promise<boolean> {
  try {
    const { rows } = await sql`
      with ${relaxed}, mine as materialized (
        select business_id from business_inboxes
        where business_id = ${business_id} and ${isOld(idle_ms)} for update skip locked)
      update business_inboxes i set swept_at = now() from mine, relaxed
      where i.business_id = mine.business_id
      returning i.business_id`.execute(db);
    return rows.length > 0;
  } catch (error) {
    logger.warn({ err: error }, 'the sweep could not take the turn of a business');
    return false;
  }
}

const isOld = (idleMs: number) =>
  sql`swept_at <= now() - ${idleMs}::float8 * interval '1 millisecond'`;

/**
 * `assignment.finds` counts those of the steps that are possible still, and so should have been
 * taken. Their businesses become due. A business that cannot be read in time has none.
 */
export async function findLeft(
  deps: Deps,
  { possible }: { possible: readonly PossibleStep[] },
): Promise<{ finds: number }> {
  const found: BusinessId[] = [];
  const until = steadyMs() + SWEEP_MS + LAST_MS;
  for (const business_id of new Set(possible.map((step) => step.business_id))) {
    const before = possible.filter((step) => step.business_id === business_id).map(nameOf);
    const now = await readPossible(deps, business_id, until);
    found.push(...now.filter((step) => before.includes(nameOf(step))).map(() => business_id));
  }
  if (found.length > 0) await deps.db.transaction().execute((tx) => makeDue(tx, found));
  return { finds: found.length };
}

const nameOf = ({ conversation_id, version }: PossibleStep): string =>
  `${conversation_id} ${version}`;

/** Never rejects: what was found in other businesses must be told. */
async function readPossible(
  { logger, ...deps }: Deps,
  business_id: BusinessId,
  until: number,
): Promise<PossibleStep[]> {
  try {
    const { plans } = await withDeadline(planBusiness(deps, business_id), until);
    return plans.map(({ conversation_id, version }) => ({ business_id, conversation_id, version }));
  } catch (error) {
    logger.warn({ err: error }, 'the sweep could not read a business');
    return [];
  }
}
