import { AgentsRequest } from '../../../../shared/protocol/business-requests.ts';
import { AgentsShape } from '../../../../shared/protocol/business-shapes.ts';
import { showAgents } from '../../presence/agents-view.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const listAgents = defineOperation({
  summary: 'The agents and managers of a business; for themselves and services',
  cost: 'read',
  by: 'user or service',
  request: AgentsRequest,
  answer: AgentsShape,
  async handle(query, caller, { store, presence }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), ...query };
    const page = await store('businesses.agents', request, { trace, deadlineAt });
    return { ...page, agents: await showAgents(presence, page.agents) };
  },
  rest: [{ method: 'GET', path: '/businesses/:business_id/agents' }],
});
