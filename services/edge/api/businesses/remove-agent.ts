import { RemoveAgentRequest } from '../../../../shared/protocol/business-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const removeAgent = defineOperation({
  summary: 'Makes an agent or a manager, who may be oneself, one no more',
  cost: 'other',
  by: 'user or service',
  request: RemoveAgentRequest,
  answer: null,
  example: {
    request: { business_id: EXAMPLE.business, user_id: EXAMPLE.chandra },
    answer: null,
  },
  async handle({ business_id, user_id }, caller, { routers }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), business_id, user_id };
    const route = { key: business_id, trace, deadlineAt };
    await routers.ask('businesses.remove_agent', request, route);
  },
  rest: [{ method: 'DELETE', path: '/businesses/:business_id/agents/:user_id' }],
});
