import type { Conversation } from '../../../clients/js/src/index.ts';

export type Step = 'take' | 'assign' | 'transfer' | 'release' | 'close' | 'reopen';
type Staff = { userId: string; role: 'agent' | 'manager' };

/**
 * Says which steps of a business conversation somebody of the business can take now. The server
 * judges each of them again.
 */
export function stepsOf(
  { state, assignee_id: assigneeId }: Pick<Conversation, 'state' | 'assignee_id'>,
  { userId, role }: Staff,
): Step[] {
  const isManager = role === 'manager';
  if (state === 'waiting') return isManager ? ['take', 'assign', 'close'] : ['take'];
  if (state === 'closed') return ['reopen'];
  if (assigneeId === userId) return ['transfer', 'release', 'close'];
  return isManager ? ['take', 'transfer', 'release', 'close'] : [];
}
