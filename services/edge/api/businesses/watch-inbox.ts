import { BusinessRequest } from '../../../../shared/protocol/business-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { InboxHeadShape } from '../../../../shared/protocol/inbox-shapes.ts';
import { defineOperation } from '../operation.ts';

export const watchInbox = defineOperation({
  summary: 'Tells how an inbox stands, and from now on what changes; for agents and managers',
  cost: 'other',
  by: 'session',
  request: BusinessRequest,
  answer: InboxHeadShape,
  example: {
    request: { business_id: EXAMPLE.business },
    answer: { version: 41, counts: { waiting: 51, assigned: 3, mine: 1 } },
  },
  handle({ business_id }, { session, userId }, { inboxes }) {
    return inboxes.watch(session, userId, business_id);
  },
  frame: { type: 'inbox_watch' },
});
