import { agentsProblem, SetAgentsRequest } from '../../../../shared/protocol/business-requests.ts';
import { AgentsShape } from '../../../../shared/protocol/business-shapes.ts';
import { EXAMPLE, exampleAgent } from '../../../../shared/protocol/examples.ts';
import { LIMITS } from '../../../../shared/protocol/limits.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const setAgents = defineOperation({
  summary: 'Replaces the agents and managers of a business, and shows the first page of them',
  cost: 'other',
  by: 'user or service',
  request: SetAgentsRequest,
  answer: AgentsShape,
  example: {
    request: {
      business_id: EXAMPLE.business,
      agents: [{ user_id: EXAMPLE.chandra, role: 'agent', capacity: 5 }],
    },
    answer: { agents: [exampleAgent], next_cursor: null },
  },
  problem: ({ business_id, agents }) => agentsProblem(business_id, agents),
  handle({ business_id, agents }, caller, { routers }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), business_id, agents };
    const route = { key: business_id, trace, deadlineAt };
    return routers.ask('businesses.set_agents', request, route);
  },
  rest: [
    {
      method: 'PUT',
      path: '/businesses/:business_id/agents',
      bodyName: 'AgentsInput',
      bodyBytesMax: LIMITS.agentsBodyBytesMax,
    },
  ],
});
