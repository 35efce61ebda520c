import { BusinessRequest } from '../../../../shared/protocol/business-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { EmptyShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const unwatchInbox = defineOperation({
  summary: 'Ends watching an inbox',
  cost: 'other',
  by: 'session',
  request: BusinessRequest,
  answer: EmptyShape,
  example: {
    request: { business_id: EXAMPLE.business },
    answer: {},
  },
  handle({ business_id }, { session }, { inboxes }) {
    inboxes.unwatch(session, business_id);
    return {};
  },
  frame: { type: 'inbox_unwatch' },
});
