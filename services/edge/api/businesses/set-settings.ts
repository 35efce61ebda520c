import { settingsProblem } from '../../../../shared/business/settings-problem.ts';
import { SetSettingsRequest } from '../../../../shared/protocol/business-requests.ts';
import { BusinessSettings } from '../../../../shared/protocol/business-shapes.ts';
import { EXAMPLE, exampleSettings } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';
import { askerOf } from './business-asker.ts';

export const setSettings = defineOperation({
  summary: 'Replaces the settings of a business; for its managers and services',
  cost: 'other',
  by: 'user or service',
  request: SetSettingsRequest,
  answer: BusinessSettings,
  example: {
    request: { business_id: EXAMPLE.business, settings: exampleSettings },
    answer: exampleSettings,
  },
  problem: ({ settings }) => settingsProblem(settings),
  handle({ business_id, settings }, caller, { routers }) {
    const { trace, deadlineAt } = caller;
    const request = { asker: askerOf(caller), business_id, settings };
    const route = { key: business_id, trace, deadlineAt };
    return routers.ask('businesses.set_settings', request, route);
  },
  rest: [{ method: 'PUT', path: '/businesses/:business_id', wholeBody: 'settings' }],
});
