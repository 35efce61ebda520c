import type { BusinessId, ConversationId, UserId } from '../ids.ts';

/** Store tells routers in these shapes what a business has to give out, and to whom. */

/** A conversation goes back to waiting because its agent is gone, or gone without an answer. */
export type ReturnReason = 'offline' | 'no_answer';

/** The plan holds for the conversation with this `version` alone. */
export type AssignmentPlan = {
  conversation_id: ConversationId;
  version: number;
  agent_id: UserId;
} & ({ kind: 'assign' } | { kind: 'return'; reason: ReturnReason });

/**
 * A router has a business to itself until the end of its lease. The end is the name of the lease as
 * well: no other lease of the business ends then.
 */
export type AssignmentLease = { business_id: BusinessId; until: string };

/** A business has this to give out. */
export type AssignmentPlans = {
  plans: AssignmentPlan[];
  /** Nothing else is possible once the plans are carried out. */
  is_all: boolean;
  /** Time alone makes something possible then, after the plans, or nothing does. */
  next_at: string | null;
};
export type AssignmentClaim = AssignmentLease & AssignmentPlans;
/** A reply without `until` says that the lease has ended: the business may be another router's. */
export type AssignmentRead = AssignmentPlans & { until?: string };

/** A plan for this version of the conversation could be carried out when somebody looked. */
export type PossibleStep = {
  business_id: BusinessId;
  conversation_id: ConversationId;
  version: number;
};
