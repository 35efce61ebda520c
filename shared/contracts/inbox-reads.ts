import type { UserId } from '../ids.ts';
import type { AgentShape } from '../protocol/business-shapes.ts';
import type { InboxRequest } from '../protocol/inbox-requests.ts';
import type { InboxCounts } from '../protocol/inbox-shapes.ts';
import type { ConversationRecord } from './conversations.ts';

/** Edges read the inbox of a business from store in these shapes. */

export type InboxList = { user_id: UserId } & InboxRequest;
/** Somebody who takes part gets their own record, and everybody else gets that of a reader. */
export type InboxPage = {
  records: ConversationRecord[];
  next_cursor: string | null;
  version: number;
  counts: InboxCounts;
};

/**
 * A head is how an inbox stands at one `version`. `mine` counts what each of the asked users has,
 * and leaves out those who have nothing. `roles` leaves out those who are no agents.
 */
export type InboxHead = {
  version: number;
  waiting: number;
  assigned: number;
  mine: Record<UserId, number>;
  roles: Record<UserId, AgentShape['role']>;
};
