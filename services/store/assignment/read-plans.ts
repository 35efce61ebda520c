import type { Kysely } from 'kysely';
import { giveOut } from '../../../shared/business/give-out.ts';
import type { AssignmentLease, AssignmentRead } from '../../../shared/contracts/assignment.ts';
import type { Database } from '../database/schema.ts';
import { renewLease } from './leases.ts';
import { readScene } from './read-scene.ts';

/**
 * `assignment.read` renews a lease, and then tells what the business has to give out. What becomes
 * possible after the renewal makes the business due again, so nothing is missed between the two.
 */
export async function readPlans(
  db: Kysely<Database>,
  request: AssignmentLease & { lease_ms: number },
): Promise<AssignmentRead> {
  const until = await renewLease(db, request);
  if (until === undefined) return { plans: [], next_at: null };
  const scene = await readScene(db, request.business_id);
  const { plans, nextAtMs } = scene ? giveOut(scene) : { plans: [], nextAtMs: undefined };
  const next_at = nextAtMs === undefined ? null : new Date(nextAtMs).toISOString();
  return { until, plans, next_at };
}
