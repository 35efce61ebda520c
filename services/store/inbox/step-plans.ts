import type { StepReason } from '../../../shared/contracts/inbox.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { AssignmentReason } from '../../../shared/protocol/system-messages.ts';
import { currentOf, idsOf, type LockedConversation, type Plan } from '../conversations/plan.ts';
import type { ConversationRow } from '../records/conversation-rows.ts';
import type { LockedAgent } from './lock-step.ts';

/** These plans say what each step of a business conversation writes and tells. */

type Assigned = { agent: LockedAgent; capacity: number; by: 'auto' | 'hand' };

/**
 * The agent joins, and whoever had the conversation leaves. The agent's positions start before the
 * customer's first message that nobody has answered, so an assignment marks nothing as read. The
 * people in the conversation are told, but get no message if it goes to the agent who had it last.
 *
 * If the agent gives the conversation back without an answer, it waits since the same time again.
 * That may be the time of a step instead of a message, so the assignment keeps it.
 */
export function planAssignment(
  { conversation, participants }: LockedConversation,
  { agent, capacity, by }: Assigned,
): Plan {
  const { user_id } = agent;
  const { assignee_id: from, last_agent_id, last_seq, unanswered_seq } = conversation;
  const { unanswered_since, waiting_since } = conversation;
  const byHand = from === null ? 'manual' : 'transfer';
  const reason: AssignmentReason = by === 'auto' ? 'auto' : byHand;
  const event = 'agent_assigned' as const;
  const said = { event, content: 'An agent has the conversation now', user_id, reason };
  const rest = idsOf(currentOf(participants)).filter((userId) => userId !== from);
  return {
    join: {
      userIds: [user_id],
      role: 'agent',
      firstVisibleSeq: 1,
      readSeq: (unanswered_seq ?? last_seq + 1) - 1,
    },
    ...(from !== null && { leave: from }),
    messages: user_id === last_agent_id ? [] : [said],
    events: [{ change: 'assigned', to: [...rest, user_id] }],
    step: {
      change: 'assigned',
      reason: agent.open < capacity ? reason : 'forced',
      load: { open: agent.open + 1, capacity },
    },
    set: {
      ...WITHOUT_AGENT,
      state: 'assigned',
      assignee_id: user_id,
      last_agent_id: user_id,
      waiting_since: null,
      unanswered_since: unanswered_since ?? waiting_since,
      has_answered: false,
    },
  };
}

/** The agent leaves, and is told so. The others get no event: the conversation only waits again. */
export function planReturn(locked: LockedConversation, reason: StepReason): Plan {
  const { conversation, now } = locked;
  return {
    ...leaving(conversation),
    messages: [],
    events: [],
    step: { change: 'released', reason },
    set: returnedColumns(conversation, now),
  };
}

/**
 * The conversation waits since the customer's first message that no agent has answered, or since
 * the step that made it wait for this answer.
 */
function returnedColumns({ unanswered_since }: ConversationRow, now: string) {
  const state = 'waiting' as const;
  return { ...WITHOUT_AGENT, state, waiting_since: unanswered_since ?? now };
}

/** A closed conversation has nothing to answer any more. */
export function planClosing({ conversation, participants, now }: LockedConversation): Plan {
  const { assignee_id: from } = conversation;
  const rest = idsOf(currentOf(participants)).filter((userId) => userId !== from);
  return {
    ...leaving(conversation),
    messages: [{ event: 'conversation_closed', content: 'The conversation was closed' }],
    events: [{ change: 'assigned', to: rest }],
    step: { change: 'closed', reason: 'closed' },
    set: {
      ...WITHOUT_AGENT,
      state: 'closed',
      closed_at: now,
      waiting_since: null,
      unanswered_seq: null,
      unanswered_since: null,
    },
  };
}

/** The conversation waits for the agent who had it last, while that one is available. */
export function planReopening({ conversation, participants, now }: LockedConversation): Plan {
  return {
    messages: [{ event: 'conversation_reopened', content: 'The conversation was reopened' }],
    events: [{ change: 'assigned', to: idsOf(currentOf(participants)) }],
    step: { change: 'added', reason: 'reopened' },
    set: {
      state: 'waiting',
      waiting_since: now,
      opened_at: now,
      closed_at: null,
      preferred_agent_id: conversation.last_agent_id,
    },
  };
}

const WITHOUT_AGENT = { assignee_id: null, preferred_agent_id: null, has_answered: null };

function leaving({ assignee_id: from }: ConversationRow): { leave?: UserId } {
  return from === null ? {} : { leave: from };
}
