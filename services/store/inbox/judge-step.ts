import { maySee } from '../../../shared/business/may-see.ts';
import type { CommandOf, StepCommand } from '../../../shared/contracts/conversations.ts';
import { KahaError } from '../../../shared/errors.ts';
import { NOBODY, type UserId } from '../../../shared/ids.ts';
import { currentOf, idsOf, type LockedConversation, type Plan } from '../conversations/plan.ts';
import { judgeAssignWaiting, judgeReturn } from './judge-automatic.ts';
import { type LockedBusiness, placesOf } from './lock-step.ts';
import { planAssignment, planClosing, planReopening, planReturn } from './step-plans.ts';
import { ownerOf } from './write-step.ts';

/**
 * The result is the plan of a step of a business conversation, or undefined if what the step would
 * bring about holds already.
 *
 *               assign        release        close          reopen
 *     waiting   → assigned    holds          → closed (m)   holds
 *     assigned  → assigned    → waiting      → closed       CONFLICT
 *     closed    CONFLICT      CONFLICT (m)   holds          → waiting
 *
 * A manager takes each of these steps, and so does the holder: the agent who has the conversation,
 * or had it last if nobody has it. (m) is for managers alone. Besides, each agent may take what
 * waits. Refusals:
 *
 *     NOT_A_PARTICIPANT  The caller neither takes part nor is an agent of the business.
 *     NOT_A_PARTICIPANT  The caller is an agent who may not see the conversation. One who would
 *                        take it is answered CONFLICT.
 *     FORBIDDEN          The caller is the customer, or an agent who sees the conversation, but may
 *                        not take the step.
 *     FORBIDDEN          The conversation belongs to no business.
 *     INVALID_REQUEST    Who is to get the conversation is no agent, or is its customer.
 *     CONFLICT           The `state` in the details does not allow the step.
 *     CONFLICT           The agent `assignee_id` was faster.
 *     CONFLICT           The customer of what is to be reopened was erased.
 *     CONFLICT           The agent who is to get it has `open` conversations of at most `capacity`.
 */
export function judgeStep(locked: LockedConversation, command: StepCommand): Plan | undefined {
  switch (command.op) {
    case 'conversations.assign_waiting':
      return judgeAssignWaiting(locked, command);
    case 'conversations.return':
      return judgeReturn(locked, command);
    case 'conversations.end':
      return locked.conversation.state === 'closed' ? undefined : planClosing(locked);
    case 'conversations.assign':
      return judgeAssign(sceneOf(locked, command.user_id), command);
    case 'conversations.release':
      return judgeRelease(sceneOf(locked, command.user_id));
    case 'conversations.close':
      return judgeClose(sceneOf(locked, command.user_id));
    case 'conversations.reopen':
      return judgeReopen(sceneOf(locked, command.user_id));
  }
}

/** The caller is an agent or a manager of the business, and not the customer. */
type Scene = LockedConversation & {
  business: LockedBusiness;
  callerId: UserId;
  isManager: boolean;
  isHolder: boolean;
};

function sceneOf(locked: LockedConversation, callerId: UserId): Scene {
  const { conversation, participants, business } = locked;
  const { type, customer_id, assignee_id, last_agent_id } = conversation;
  const role = business?.role;
  const takesPart = idsOf(currentOf(participants)).includes(callerId);
  if (!takesPart && role === undefined) {
    throw notAParticipant();
  }
  if (type !== 'business') throw forbidden('Only a business conversation has an agent');
  if (callerId === customer_id || business === undefined || role === undefined) {
    throw forbidden('Only agents of the business may do this');
  }
  const isHolder = callerId === (assignee_id ?? last_agent_id);
  return { ...locked, business, callerId, isManager: role === 'manager', isHolder };
}

function judgeAssign(
  scene: Scene,
  { agent_id, force }: CommandOf<'conversations.assign'>,
): Plan | undefined {
  const { conversation, business, callerId, isManager, isHolder } = scene;
  const { state, assignee_id, customer_id } = conversation;
  const agentId = agent_id ?? callerId;
  const isTaking = agentId === callerId;
  const mayGive = isManager || (isHolder && state !== 'waiting');
  if (!isTaking && !mayGive) {
    throw refused(scene, 'Only who has the conversation may give it away');
  }
  const { agent, settings } = business;
  if (agent === undefined || agentId === customer_id) {
    throw new KahaError('INVALID_REQUEST', 'Only an agent of the business who is not the customer');
  }
  if (state === 'closed') throw inState(scene);
  if (assignee_id === agentId) return undefined;
  if (assignee_id !== null && !isManager && !isHolder) {
    const details = { details: { assignee_id } };
    throw new KahaError('CONFLICT', 'Another agent has the conversation', details);
  }
  const places = placesOf(settings, agent);
  if (places.open >= places.capacity && force !== true) {
    throw new KahaError('CONFLICT', 'The agent has no free place', { details: places });
  }
  return planAssignment(scene, { agent, capacity: places.capacity, by: 'hand' });
}

function judgeRelease(scene: Scene): Plan | undefined {
  const { conversation, isManager } = scene;
  assertMay(scene);
  if (conversation.state === 'waiting') return undefined;
  if (conversation.state === 'assigned') return planReturn(scene, 'released');
  throw isManager ? inState(scene) : forbidden('Only who has the conversation may give it back');
}

function judgeClose(scene: Scene): Plan | undefined {
  const { conversation, isManager } = scene;
  assertMay(scene);
  if (conversation.state === 'closed') return undefined;
  if (conversation.state === 'assigned' || isManager) return planClosing(scene);
  throw forbidden('Only a manager may close what waits');
}

function judgeReopen(scene: Scene): Plan | undefined {
  assertMay(scene);
  switch (scene.conversation.state) {
    case 'closed':
      assertCustomer(scene);
      return planReopening(scene);
    case 'waiting':
      return undefined;
    default:
      throw inState(scene);
  }
}

/** A conversation may wait only if its customer can be answered. */
function assertCustomer({ conversation: { customer_id } }: LockedConversation): void {
  if (customer_id !== NOBODY) return;
  throw new KahaError('CONFLICT', 'The customer was erased');
}

function assertMay(scene: Scene): void {
  if (scene.isManager || scene.isHolder) return;
  throw refused(scene, 'Another agent had the conversation last');
}

/** An agent who may not see a conversation is answered as if they read it. */
function refused({ conversation, business, callerId }: Scene, message: string): KahaError {
  const viewer = { user_id: callerId, role: business.role };
  return maySee(viewer, ownerOf(conversation)) ? forbidden(message) : notAParticipant();
}

function notAParticipant(): KahaError {
  return new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
}

function forbidden(message: string): KahaError {
  return new KahaError('FORBIDDEN', message);
}

function inState({ conversation: { state } }: LockedConversation): KahaError {
  return new KahaError('CONFLICT', `The conversation is ${state}`, { details: { state } });
}
