import { EXAMPLE, exampleWaiting } from '../../../../shared/protocol/examples.ts';
import { InboxRequest } from '../../../../shared/protocol/inbox-requests.ts';
import { InboxShape } from '../../../../shared/protocol/inbox-shapes.ts';
import { nameConversations } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const listInbox = defineOperation({
  summary: 'Lists one view of the inbox of a business; for its agents and managers',
  cost: 'read',
  request: InboxRequest,
  answer: InboxShape,
  example: {
    request: { business_id: EXAMPLE.business, view: 'waiting', limit: 50 },
    answer: {
      ...{ conversations: [exampleWaiting], next_cursor: EXAMPLE.cursor },
      ...{ version: 41, counts: { waiting: 51, assigned: 3, mine: 1 } },
    },
  },
  async handle(query, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const request = { user_id: userId, ...query };
    const page = await parts.store('inbox.list', request, { trace, deadlineAt });
    const { records, ...rest } = page;
    return { conversations: await nameConversations(parts, records, caller), ...rest };
  },
  frame: { type: 'inbox' },
  rest: [{ method: 'GET', path: '/businesses/:business_id/inbox' }],
});
