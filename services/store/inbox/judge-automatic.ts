import { returnOf } from '../../../shared/business/agent-absence.ts';
import { hoursAt } from '../../../shared/business/hours.ts';
import type { CommandOf } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { LockedConversation, Plan } from '../conversations/plan.ts';
import { placesOf } from './lock-step.ts';
import { planAssignment, planReturn } from './step-plans.ts';

/**
 * An automatic assignment carries out what a router has planned. CONFLICT refuses it if anything
 * has changed that it depends on, and the router reads the business again.
 *
 * It depends on this: the conversation waits, with the version that was read. The business is open.
 * The agent is available, has a free place, and is not the customer. No older conversation waits
 * that the agent could have. The conversation waits for no other agent who had it last.
 */
export function judgeAssignWaiting(
  { business, turn, ...locked }: LockedConversation,
  { agent_id, version }: CommandOf<'conversations.assign_waiting'>,
): Plan {
  const { conversation, now } = locked;
  if (conversation.state !== 'waiting' || conversation.version !== version) {
    throw conflict('The conversation has changed');
  }
  const { agent, settings } = business ?? {};
  if (agent === undefined || settings === undefined || turn === undefined) {
    throw conflict('The agent is gone');
  }
  if (!agent.is_available) throw conflict('The agent is not available');
  if (agent_id === conversation.customer_id) throw conflict('The agent is the customer');
  if (!hoursAt(settings, Date.parse(now)).isOpen) throw conflict('The business is closed');
  const { open, capacity } = placesOf(settings, agent);
  if (open >= capacity) throw conflict('The agent has no free place', { open, capacity });
  if (turn.hasOlder) throw conflict('An older conversation waits');
  if (turn.isAwaited) throw conflict('The conversation waits for another agent');
  return planAssignment(locked, { agent, capacity, by: 'auto' });
}

/**
 * A conversation goes back to waiting because its agent is away. CONFLICT refuses what does not
 * hold any more, as for an assignment.
 */
export function judgeReturn(
  { business, ...locked }: LockedConversation,
  { agent_id, version, reason }: CommandOf<'conversations.return'>,
): Plan {
  const { conversation, participants, now } = locked;
  const { assignee_id, has_answered, unanswered_since, conversation_id } = conversation;
  const { agent, settings } = business ?? {};
  const own = participants.find(({ user_id }) => user_id === agent_id);
  if (assignee_id !== agent_id || conversation.version !== version || own === undefined) {
    throw conflict('The conversation has changed');
  }
  if (agent === undefined || settings === undefined) throw conflict('The agent is gone');
  const held = {
    conversation_id,
    version,
    agent_id,
    assignedAtMs: Date.parse(own.joined_at),
    hasAnswered: has_answered === true,
    unansweredSinceMs: msOf(unanswered_since),
  };
  const absence = {
    user_id: agent_id,
    status: agent.status,
    statusAtMs: Date.parse(agent.status_at),
    offlineSinceMs: msOf(agent.offline_since),
  };
  const due = returnOf(held, absence, settings);
  if (due?.reason !== reason || due.atMs > Date.parse(now)) {
    throw conflict('The agent is not away');
  }
  return planReturn(locked, reason);
}

function msOf(time: string | null): number | undefined {
  return time === null ? undefined : Date.parse(time);
}

function conflict(message: string, details?: object): KahaError {
  return new KahaError('CONFLICT', message, details && { details });
}
