import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { EraseUserRequest, JobBegunShape } from '../../../../shared/protocol/jobs/job-shapes.ts';
import { defineOperation } from '../operation.ts';

export const eraseUser = defineOperation({
  summary: 'Refuses a person for good, and erases all that is kept of them; for services',
  cost: 'other',
  by: 'service',
  request: EraseUserRequest,
  answer: JobBegunShape,
  example: {
    request: { user_id: EXAMPLE.chandra },
    answer: { job_id: EXAMPLE.job },
  },
  handle({ user_id }, { service, trace, deadlineAt }, { routers }) {
    const options = { key: user_id, trace, deadlineAt };
    return routers.ask('users.erase', { user_id, service }, options);
  },
  rest: [
    {
      method: 'DELETE',
      path: '/users/:user_id',
      statuses: { 202: 'The person is refused from now on, and this job erases the rest' },
      status: () => 202,
    },
  ],
});
