import type { UserId } from '../ids.ts';
import type { AgentShape } from '../protocol/business-shapes.ts';

/** Edges read the inbox of a business from store in these shapes. */

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
