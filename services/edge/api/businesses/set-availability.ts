import { AvailabilityRequest } from '../../../../shared/protocol/business-requests.ts';
import { AvailabilityShape } from '../../../../shared/protocol/business-shapes.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const setAvailability = defineOperation({
  summary: 'Tells whether the caller takes conversations of a business; for agents and managers',
  cost: 'other',
  request: AvailabilityRequest,
  answer: AvailabilityShape,
  example: {
    request: { business_id: EXAMPLE.business, status: 'available' },
    answer: { status: 'available', is_available: true },
  },
  handle({ business_id, status }, { userId, trace, deadlineAt }, { routers }) {
    const request = { user_id: userId, business_id, status };
    const route = { key: business_id, trace, deadlineAt };
    return routers.ask('businesses.set_status', request, route);
  },
  frame: { type: 'availability' },
  rest: [{ method: 'PUT', path: '/businesses/:business_id/availability' }],
});
