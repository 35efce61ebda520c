import { BusinessRequest } from '../../../../shared/protocol/business-requests.ts';
import { InboxHeadShape } from '../../../../shared/protocol/inbox-shapes.ts';
import { defineOperation } from '../operation.ts';

export const watchInbox = defineOperation({
  summary: 'Tells how an inbox stands, and from now on what changes; for agents and managers',
  cost: 'other',
  by: 'session',
  request: BusinessRequest,
  answer: InboxHeadShape,
  handle({ business_id }, { session, userId }, { inboxes }) {
    return inboxes.watch(session, userId, business_id);
  },
  frame: { type: 'inbox_watch' },
});
