import { setTimeout as delay } from 'node:timers/promises';
import type { AssignmentClaim, AssignmentPlan } from '../../../shared/contracts/assignment.ts';
import type { CommandOf } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';

/** These commands are automatic: nobody asks a router for them. */
export type AutomaticCommand =
  | CommandOf<'conversations.assign_waiting'>
  | CommandOf<'conversations.return'>;

type Deps = {
  store: AskStore;
  /** Carries out a step. Rejects with CONFLICT if it is not possible any more. */
  change: (command: AutomaticCommand, deadlineAt: number) => Promise<unknown>;
  isClosing: () => boolean;
};

/** A router that dies leaves its businesses to the others for as long. */
export const LEASE_MS = 3_000;
/**
 * After this much of a lease the business is read again, which renews the lease. A step that begins
 * before takes at most as long as store waits, so it mostly ends within the lease.
 */
const READ_AGAIN_MS = 1_000;
const STEP_MS = 2_500;
/** A business is left to its next owner after so many readings, so that others have their turn. */
const ROUNDS_MAX = 50;
/** If each of several readings is out of date at once, the next one waits a little longer. */
const CLASH_PAUSE_MS = 20;
/** The business is due at once, after those that are due already: store makes this time now. */
const NOW = new Date(0).toISOString();

/**
 * Gives out what a claimed business has: carries out the plans one by one, and reads again, until a
 * reading has no plan, or all were carried out and nothing else is possible. Then it ends
 * the lease. Returns whether the business is due again already.
 *
 * Each step is judged once more in its own transaction. So a router that goes on after its lease
 * has ended does nothing wrong. It only does in vain what the new owner has done.
 */
export async function giveOutBusiness(deps: Deps, claim: AssignmentClaim): Promise<boolean> {
  const { store, isClosing } = deps;
  const { business_id } = claim;
  let { until, plans, is_all: isAll, next_at: at } = claim;
  let readAt = steadyMs();
  let clashes = 0;
  for (let round = 1; plans.length > 0; round += 1) {
    const isLast = round === ROUNDS_MAX || isClosing();
    const done = isLast
      ? 0
      : await carryOut(deps, business_id, { plans, until: readAt + READ_AGAIN_MS });
    if (isAll && done === plans.length) break;
    if (isLast || isClosing()) {
      at = NOW;
      break;
    }
    clashes = done > 0 ? 0 : clashes + 1;
    if (clashes > 1) await delay(CLASH_PAUSE_MS * clashes);
    readAt = steadyMs();
    const read = await store('assignment.read', { business_id, until, lease_ms: LEASE_MS });
    if (read.until === undefined) return false;
    ({ until, plans, is_all: isAll, next_at: at } = read);
  }
  return (await store('assignment.done', { business_id, until, at })).is_due;
}

/** Any other error is a fault, which a new reading would meet again. */
const OUT_OF_DATE: readonly KahaError['code'][] = ['CONFLICT', 'CONVERSATION_NOT_FOUND'];
type Round = { plans: readonly AssignmentPlan[]; until: number };

/** Returns how many of the plans were carried out. It stops at the first that is out of date. */
async function carryOut(
  { change, isClosing }: Deps,
  businessId: BusinessId,
  { plans, until }: Round,
): Promise<number> {
  let done = 0;
  for (const plan of plans) {
    if (isClosing() || steadyMs() > until) break;
    try {
      await change(commandOf(businessId, plan), steadyMs() + STEP_MS);
    } catch (error) {
      if (!OUT_OF_DATE.includes(KahaError.from(error).code)) throw error;
      break;
    }
    done += 1;
  }
  return done;
}

function commandOf(businessId: BusinessId, plan: AssignmentPlan): AutomaticCommand {
  const { conversation_id, version, agent_id } = plan;
  const step = { user_id: businessId as string as UserId, conversation_id, version, agent_id };
  return plan.kind === 'assign'
    ? { op: 'conversations.assign_waiting', ...step }
    : { op: 'conversations.return', ...step, reason: plan.reason };
}
