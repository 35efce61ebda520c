import { type Desk, mayRead } from './desk.ts';
import { OK, type Target } from './target.ts';
import type { Conversation } from './world.ts';

export type StepName = 'take' | 'give' | 'release' | 'close' | 'reopen';
/** Somebody who works for the business wants to take a step of its conversation. */
type Acting = Target & { conversation: Conversation; desk: Desk; isManager: boolean };

/** An agent has at most this many conversations of a business, unless they are given by force. */
export const PLACES = 2;

/** Returns the answer that the step must get. */
export function judgeStep(name: StepName, on: Target): string {
  const { world, conversation, userId } = on;
  if (conversation === undefined) return 'CONVERSATION_NOT_FOUND';
  const { desk, participants } = conversation;
  const role = desk && world.roleIn(desk.businessId, userId);
  if (desk === undefined || role === undefined || desk.customerId === userId) {
    return participants.has(userId) ? 'FORBIDDEN' : 'NOT_A_PARTICIPANT';
  }
  return JUDGES[name]({ ...on, conversation, desk, isManager: role === 'manager' });
}

const JUDGES: Record<StepName, (acting: Acting) => string> = {
  take: (acting) => judgeAssignment(acting, acting.userId),
  give: (acting) => judgeAssignment(acting, acting.otherId),
  release(acting) {
    const { desk, isManager } = acting;
    if (!isManager && !isHolder(acting)) return refusal(acting);
    if (desk.state !== 'closed') return OK;
    return isManager ? 'CONFLICT' : 'FORBIDDEN';
  },
  close(acting) {
    if (acting.isManager) return OK;
    return isHolder(acting) && acting.desk.state !== 'waiting' ? OK : refusal(acting);
  },
  reopen(acting) {
    if (!acting.isManager && !isHolder(acting)) return refusal(acting);
    return acting.desk.state === 'assigned' ? 'CONFLICT' : OK;
  },
};

/** An agent who may not read the conversation does not take part in it. */
function refusal({ desk, userId }: Acting): string {
  return mayRead(desk, { userId, role: 'agent' }) ? 'FORBIDDEN' : 'NOT_A_PARTICIPANT';
}

/** The holder has the conversation, or had it last. */
function isHolder({ desk, userId }: Acting): boolean {
  return (desk.assigneeId ?? desk.lastId) === userId;
}

function judgeAssignment(acting: Acting, agentId: string): string {
  const { desk, isManager, userId, world } = acting;
  const { state, assigneeId, businessId, customerId } = desk;
  const mayGive = isManager || (isHolder(acting) && state !== 'waiting');
  if (agentId !== userId && !mayGive) return refusal(acting);
  const isAgent = world.roleIn(businessId, agentId) !== undefined;
  if (!isAgent || agentId === customerId) return 'INVALID_REQUEST';
  if (state === 'closed') return 'CONFLICT';
  if (assigneeId === agentId) return OK;
  if (state === 'assigned' && !isManager && assigneeId !== userId) return 'CONFLICT';
  return world.openOf(businessId, agentId) < PLACES ? OK : 'CONFLICT';
}

/** Tells the world of a step that was carried out, or that held already. */
export function takeStep(name: StepName, { world, userId, otherId, conversation }: Target): void {
  const { desk } = conversation as Conversation;
  if (desk === undefined) throw new Error('no conversation of a business');
  const { state, lastId } = desk;
  const next = {
    take: userId,
    give: otherId,
    release: 'waiting',
    close: 'closed',
    reopen: 'waiting',
  }[name];
  if (next === state || next === desk.assigneeId) return;
  if (next === 'waiting' || next === 'closed') {
    desk.state = next;
    delete desk.assigneeId;
    world.stepped(conversation as Conversation, userId, { isTold: name !== 'release' });
    return;
  }
  Object.assign(desk, { state: 'assigned', assigneeId: next, lastId: next });
  world.stepped(conversation as Conversation, userId, { isTold: next !== lastId });
}
