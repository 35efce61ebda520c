import { agentsProblem, SetAgentRequest } from '../../../../shared/protocol/business-requests.ts';
import { AgentShape } from '../../../../shared/protocol/business-shapes.ts';
import { EXAMPLE, exampleAgent } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const setAgent = defineOperation({
  summary: 'Makes a user an agent or a manager, or replaces role and capacity of one',
  cost: 'other',
  by: 'user or service',
  request: SetAgentRequest,
  answer: AgentShape,
  example: {
    request: {
      business_id: EXAMPLE.business,
      user_id: EXAMPLE.chandra,
      role: 'agent',
      capacity: 5,
    },
    answer: exampleAgent,
  },
  problem: ({ business_id, ...agent }) => agentsProblem(business_id, [agent]),
  handle({ business_id, ...agent }, caller, { routers }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), business_id, agent };
    const route = { key: business_id, trace, deadlineAt };
    return routers.ask('businesses.set_agent', request, route);
  },
  rest: [
    { method: 'PUT', path: '/businesses/:business_id/agents/:user_id', bodyName: 'AgentInput' },
  ],
});
