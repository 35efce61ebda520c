import type { UserId } from '../ids.ts';
import type { BusinessState } from '../protocol/shapes.ts';

/** Services tell each other in these shapes what happens in the inbox of a business. */

/** These facts of a conversation decide which agents may see it. */
export type InboxOwner = {
  state: BusinessState;
  customer_id: UserId;
  assignee_id?: UserId;
  last_agent_id?: UserId;
};
