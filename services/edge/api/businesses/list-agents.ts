import { AgentsRequest } from '../../../../shared/protocol/business-requests.ts';
import { AgentsShape } from '../../../../shared/protocol/business-shapes.ts';
import { EXAMPLE, exampleAgent } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const listAgents = defineOperation({
  summary: 'Lists the agents and managers of a business; for themselves and services',
  cost: 'read',
  by: 'user or service',
  request: AgentsRequest,
  answer: AgentsShape,
  example: {
    request: { business_id: EXAMPLE.business, limit: 50 },
    answer: { agents: [exampleAgent], next_cursor: null },
  },
  handle(query, caller, { store }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), ...query };
    return store('businesses.agents', request, { trace, deadlineAt });
  },
  rest: [{ method: 'GET', path: '/businesses/:business_id/agents' }],
});
