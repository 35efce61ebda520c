import type { ReturnReason } from '../contracts/assignment.ts';
import type { ConversationId, UserId } from '../ids.ts';
import type { AgentStatus } from '../protocol/business-requests.ts';
import type { BusinessSettings } from '../protocol/business-shapes.ts';

export type Agent = {
  user_id: UserId;
  status: AgentStatus;
  statusAtMs: number;
  /** Is undefined for an agent who is online, or of whom nobody knows. */
  offlineSinceMs: number | undefined;
};

/** An agent has this conversation. */
export type HeldConversation = {
  conversation_id: ConversationId;
  version: number;
  agent_id: UserId;
  assignedAtMs: number;
  /** The agent has written since the assignment. */
  hasAnswered: boolean;
  /** No agent has answered the customer's message of this time. */
  unansweredSinceMs: number | undefined;
};

type Limits = Pick<BusinessSettings, 'offline_grace_s' | 'reassign_after_s'>;
type Return = { atMs: number; reason: ReturnReason };

/**
 * Returns when a conversation goes back to waiting if its agent stays away, or undefined if it does
 * not. The time may have passed. An agent is away who says `offline`, or who has been offline for
 * longer than the grace; `away` is not away.
 *
 * - What the agent has not answered goes back as soon as the agent is away. A conversation that was
 *   given by hand to an agent who was away already has `reassign_after_s` first. Without that, a
 *   manager who takes no part in the assignment could take no conversation.
 * - What the agent has answered goes back when the customer has written again, and
 *   `reassign_after_s` have passed without the agent since.
 */
export function returnOf(
  held: HeldConversation,
  agent: Agent,
  settings: Limits,
): Return | undefined {
  const due = absencesOf(agent, settings).flatMap((absence) => {
    return returnFor(held, absence, settings.reassign_after_s * 1_000) ?? [];
  });
  return due.sort((one, other) => one.atMs - other.atMs)[0];
}

/** The agent is gone from `sinceMs` on, and counts as away from `fromMs` on. */
type Absence = { sinceMs: number; fromMs: number };

function absencesOf({ status, statusAtMs, offlineSinceMs }: Agent, settings: Limits): Absence[] {
  const absences: Absence[] = [];
  if (status === 'offline') absences.push({ sinceMs: statusAtMs, fromMs: statusAtMs });
  if (offlineSinceMs !== undefined) {
    const fromMs = offlineSinceMs + settings.offline_grace_s * 1_000;
    absences.push({ sinceMs: offlineSinceMs, fromMs });
  }
  return absences;
}

function returnFor(
  { assignedAtMs, hasAnswered, unansweredSinceMs }: HeldConversation,
  { sinceMs, fromMs }: Absence,
  reassignAfterMs: number,
): Return | undefined {
  if (!hasAnswered) {
    const isByHand = assignedAtMs >= fromMs;
    return { atMs: isByHand ? assignedAtMs + reassignAfterMs : fromMs, reason: 'offline' };
  }
  if (unansweredSinceMs === undefined) return undefined;
  const atMs = Math.max(fromMs, Math.max(sinceMs, unansweredSinceMs) + reassignAfterMs);
  return { atMs, reason: 'no_answer' };
}
