import type { BusinessId, ConversationId, UserId } from '../ids.ts';
import type { BusinessState } from '../protocol/shapes.ts';
import type { AssignmentReason } from '../protocol/system-messages.ts';
import type { ReturnReason } from './assignment.ts';
import type { ConversationRecord } from './conversations.ts';

/** Services tell each other in these shapes what happens in the inbox of a business. */

/** These facts of a conversation decide which agents may see it. */
export type InboxOwner = {
  state: BusinessState;
  customer_id: UserId;
  assignee_id?: UserId;
  last_agent_id?: UserId;
};

/**
 * The step happened for this reason. `forced`: an agent got a conversation by hand although all
 * places of theirs were taken. `removed`: its agent is no agent of the business any more.
 */
export type StepReason =
  | 'message'
  | 'reopened'
  | AssignmentReason
  | 'forced'
  | 'released'
  | ReturnReason
  | 'removed'
  | 'closed';

/** Each change of an inbox raises its `version` by one. */
export type InboxChange = {
  business_id: BusinessId;
  version: number;
  change: 'added' | 'assigned' | 'released' | 'closed' | 'updated';
  conversation_id: ConversationId;
  before: InboxOwner;
  after: InboxOwner;
  /** This is the conversation as somebody sees it who reads it without taking part. */
  record: ConversationRecord;
  /** The change may have made an assignment possible. */
  is_due: boolean;
  reason: StepReason;
  /** An assignment tells how long the conversation has waited. */
  waited_ms?: number;
  /** A closing tells how long the conversation was open. */
  resolution_ms?: number;
};
