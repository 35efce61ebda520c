import { type Kysely, sql } from 'kysely';
import type { PossibleStep } from '../../../shared/contracts/assignment.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Database } from '../database/schema.ts';
import type { AgentPresences } from './agent-presence.ts';
import { makeDue } from './make-due.ts';
import { planBusiness } from './read-plans.ts';

type Deps = { db: Kysely<Database>; presences: AgentPresences };

/** So many scenes are read within a deadline. */
const LIMIT_MAX = 50;

/**
 * `assignment.sweep` looks at businesses that nobody has looked at for 30 s, and tells which steps
 * are possible now. It tells how many it has looked at: fewer than `limit` are all. A business
 * without an open conversation is passed over, because nothing is possible there.
 */
export async function sweepBusinesses(
  deps: Deps,
  { limit, idle_ms }: { limit: number; idle_ms: number },
): Promise<{ swept: number; possible: PossibleStep[] }> {
  const { rows } = await sql<{ business_id: BusinessId }>`
    with due as materialized (
      select business_id from business_inboxes i
      where swept_at <= now() - ${idle_ms}::float8 * interval '1 millisecond'
        and exists (select from conversations c
          where c.business_id = i.business_id and state in ('waiting', 'assigned'))
      order by swept_at limit ${Math.min(limit, LIMIT_MAX)}
      for update skip locked)
    update business_inboxes i set swept_at = now() from due
    where i.business_id = due.business_id
    returning i.business_id`.execute(deps.db);
  const possible: PossibleStep[] = [];
  for (const { business_id } of rows) possible.push(...(await readPossible(deps, business_id)));
  return { swept: rows.length, possible };
}

/**
 * `assignment.finds` counts those of the steps that are possible still, and so should have been
 * taken. Their businesses become due.
 */
export async function findLeft(
  deps: Deps,
  { possible }: { possible: readonly PossibleStep[] },
): Promise<{ finds: number }> {
  const found: BusinessId[] = [];
  for (const business_id of new Set(possible.map((step) => step.business_id))) {
    const before = possible.filter((step) => step.business_id === business_id).map(nameOf);
    const now = await readPossible(deps, business_id);
    found.push(...now.filter((step) => before.includes(nameOf(step))).map(() => business_id));
  }
  if (found.length > 0) await deps.db.transaction().execute((tx) => makeDue(tx, found));
  return { finds: found.length };
}

const nameOf = ({ conversation_id, version }: PossibleStep): string =>
  `${conversation_id} ${version}`;

async function readPossible(deps: Deps, business_id: BusinessId): Promise<PossibleStep[]> {
  const { plans } = await planBusiness(deps, business_id);
  return plans.map(({ conversation_id, version }) => ({ business_id, conversation_id, version }));
}
