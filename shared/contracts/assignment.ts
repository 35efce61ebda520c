import type { ConversationId, UserId } from '../ids.ts';

/** Store tells routers in these shapes what a business has to give out, and to whom. */

/** A conversation goes back to waiting because its agent is gone, or gone without an answer. */
export type ReturnReason = 'offline' | 'no_answer';

/** The plan holds for the conversation with this `version` alone. */
export type AssignmentPlan = {
  conversation_id: ConversationId;
  version: number;
  agent_id: UserId;
} & ({ kind: 'assign' } | { kind: 'return'; reason: ReturnReason });
