import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { JobRequest, JobShape } from '../../../../shared/protocol/jobs/job-shapes.ts';
import { defineOperation } from '../operation.ts';

export const getJob = defineOperation({
  summary: 'Tells how far an erasure is; for services',
  cost: 'read',
  by: 'service',
  request: JobRequest,
  answer: JobShape,
  example: {
    request: { job_id: EXAMPLE.job },
    answer: { state: 'running', done: 12, total: 40 },
  },
  handle({ job_id }, { trace, deadlineAt }, { store }) {
    return store('jobs.get', { job_id }, { trace, deadlineAt });
  },
  rest: [{ method: 'GET', path: '/jobs/:job_id' }],
});
