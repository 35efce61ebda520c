import type { InboxOwner } from '../contracts/inbox.ts';
import type { UserId } from '../ids.ts';
import type { AgentShape } from '../protocol/business-shapes.ts';

/** A viewer without a role is no agent of the business. */
export type InboxViewer = { user_id: UserId; role: AgentShape['role'] | undefined };

/**
 * Tells whether a viewer may see a conversation of a business that they do not take part in as its
 * customer. Managers see all. Agents see what waits, what they have, and what was closed while they
 * had it last. The SQL of `store/inbox/reader.ts` repeats the rule.
 */
export function maySee({ user_id, role }: InboxViewer, owner: InboxOwner): boolean {
  if (role !== 'agent') return role === 'manager';
  switch (owner.state) {
    case 'waiting':
      return true;
    case 'assigned':
      return owner.assignee_id === user_id;
    case 'closed':
      return owner.last_agent_id === user_id;
  }
}
