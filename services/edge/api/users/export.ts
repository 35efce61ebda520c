import { EXAMPLE, exampleExport } from '../../../../shared/protocol/examples.ts';
import { ExportRequest, ExportShape } from '../../../../shared/protocol/export-shapes.ts';
import { defineOperation } from '../operation.ts';

export const exportUser = defineOperation({
  summary: 'Exports what a person wrote, and the ids of what they take part in; for services',
  cost: 'read',
  by: 'service',
  request: ExportRequest,
  answer: ExportShape,
  example: {
    request: { user_id: EXAMPLE.asha },
    answer: exampleExport,
  },
  handle(query, { service, trace, deadlineAt }, { store }) {
    return store('users.export', { service, ...query }, { trace, deadlineAt });
  },
  rest: [{ method: 'GET', path: '/users/:user_id/export' }],
});
