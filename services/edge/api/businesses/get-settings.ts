import { BusinessRequest } from '../../../../shared/protocol/business-requests.ts';
import { BusinessSettings } from '../../../../shared/protocol/business-shapes.ts';
import { EXAMPLE, exampleSettings } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const getSettings = defineOperation({
  summary: 'Shows the settings of a business; for its agents, its managers and services',
  cost: 'read',
  by: 'user or service',
  request: BusinessRequest,
  answer: BusinessSettings,
  example: {
    request: { business_id: EXAMPLE.business },
    answer: exampleSettings,
  },
  handle({ business_id }, caller, { store }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), business_id };
    return store('businesses.get', request, { trace, deadlineAt });
  },
  rest: [{ method: 'GET', path: '/businesses/:business_id' }],
});
