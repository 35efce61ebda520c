import type { InboxStep } from '../../../shared/contracts/business-signals.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { conversationRecord } from './conversation-record.ts';

/** Makes a step of a new conversation, which waits since then, as a router tells of it. */
export function inboxStep(
  business_id: BusinessId,
  version: number,
  rest: Partial<InboxStep> = {},
): InboxStep {
  const customer_id = newId<UserId>();
  const record = conversationRecord([customer_id], { type: 'business', business_id });
  return {
    business_id,
    version,
    change: 'added',
    conversation_id: record.conversation_id,
    before: { state: 'closed', customer_id },
    after: { state: 'waiting', customer_id },
    record,
    ...rest,
  };
}
