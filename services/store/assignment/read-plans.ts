import type { Kysely } from 'kysely';
import { type GivenOut, giveOut, type Scene } from '../../../shared/business/give-out.ts';
import type {
  AssignmentClaim,
  AssignmentLease,
  AssignmentPlans,
  AssignmentRead,
} from '../../../shared/contracts/assignment.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { toKahaError } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import type { AgentPresences } from './agent-presence.ts';
import { claimBusinesses, renewLease } from './leases.ts';
import { HELD_MAX, readScene } from './read-scene.ts';

type Deps = { db: Kysely<Database>; presences: AgentPresences };
type ClaimDeps = Deps & { logger: Logger; readMs?: number };

/** A business with an agent of whom nobody knows whether they are gone is looked at again then. */
const UNKNOWN_AGAIN_MS = 5_000;
/** A claim reads no further business after this. One more may take 0.7 s, and 1.9 s are there. */
const READ_MS = 1_000;
/** A router that gets this ends the lease, and the business is due behind those that are due. */
const AT_ONCE: AssignmentPlans = {
  plans: [],
  is_all: false,
  next_at: new Date(0).toISOString(),
};

/**
 * `assignment.claim` leases businesses, and tells what each has to give out. What becomes possible
 * after the claim makes the business due again. A business that cannot be read is due when its
 * lease ends, and costs the others nothing. Reading many large ones may take longer than the caller
 * waits: those that are not read by then are told without plans, and are due again at once.
 */
export async function claimPlans(
  { logger, readMs = READ_MS, ...deps }: ClaimDeps,
  request: { limit: number; lease_ms: number },
): Promise<{ claims: AssignmentClaim[] }> {
  const stopAt = steadyMs() + readMs;
  const leases = await claimBusinesses(deps.db, request);
  const claims: AssignmentClaim[] = [];
  for (const [nth, lease] of leases.entries()) {
    if (nth > 0 && steadyMs() >= stopAt) {
      claims.push({ ...lease, ...AT_ONCE });
      continue;
    }
    try {
      claims.push({ ...lease, ...toPlans(await planBusiness(deps, lease.business_id)) });
    } catch (error) {
      const level = toKahaError(error).isRetryable ? 'debug' : 'error';
      logger[level]({ err: error }, 'a business that was claimed could not be read');
    }
  }
  return { claims };
}

/**
 * `assignment.read` renews a lease, and then tells what the business has to give out. What becomes
 * possible after the renewal makes the business due again, so nothing is missed between the two.
 */
export async function readPlans(
  deps: Deps,
  request: AssignmentLease & { lease_ms: number },
): Promise<AssignmentRead> {
  const until = await renewLease(deps.db, request);
  if (until === undefined) return { plans: [], is_all: true, next_at: null };
  return { until, ...toPlans(await planBusiness(deps, request.business_id)) };
}

function toPlans({ plans, isAll, nextAtMs }: GivenOut): AssignmentPlans {
  const next_at = nextAtMs === undefined ? null : new Date(nextAtMs).toISOString();
  return { plans, is_all: isAll, next_at };
}

/**
 * Plans what a business gives out. An agent loses conversations for being offline only if Redis
 * says now that they are. So nobody loses any while Redis is away, or does not know everybody yet.
 */
export async function planBusiness({ db, presences }: Deps, id: BusinessId): Promise<GivenOut> {
  const scene = await readScene(db, id);
  if (scene === undefined) return NOTHING;
  const asked = mayBeGone(scene);
  const known = await presences.read(asked);
  const gone = asked.filter((userId) => known.get(userId) === 'offline');
  if (gone.length === asked.length) return giveOut(scene);
  // What the others keep may have taken the places of what goes back.
  const whole = isCut(scene) ? await readScene(db, id, gone) : scene;
  return whole === undefined ? NOTHING : giveOutWithout(whole, new Set(gone));
}

const NOTHING: GivenOut = { plans: [], isAll: true, nextAtMs: undefined };

const isCut = ({ held }: Scene): boolean => held.length === HELD_MAX;

/** A scene that is cut does not name all who have something, so nobody is left out. */
function mayBeGone(scene: Scene): UserId[] {
  const holders = new Set(scene.held.map(({ agent_id }) => agent_id));
  return scene.agents.flatMap(({ user_id, offlineSinceMs }) =>
    offlineSinceMs !== undefined && (isCut(scene) || holders.has(user_id)) ? user_id : [],
  );
}

/** Plans as if all agents were online but those who are gone, and looks again soon. */
function giveOutWithout(scene: Scene, gone: ReadonlySet<UserId>): GivenOut {
  const agents = scene.agents.map((agent) =>
    gone.has(agent.user_id) ? agent : { ...agent, offlineSinceMs: undefined },
  );
  const given = giveOut({ ...scene, agents });
  const { nextAtMs = Number.POSITIVE_INFINITY } = given;
  return { ...given, nextAtMs: Math.min(nextAtMs, scene.nowMs + UNKNOWN_AGAIN_MS) };
}
