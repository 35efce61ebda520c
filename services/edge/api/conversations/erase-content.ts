import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { JobBegunShape } from '../../../../shared/protocol/jobs/job-shapes.ts';
import { defineOperation } from '../operation.ts';

export const eraseContent = defineOperation({
  summary: 'Erases all that a conversation has said; for services',
  cost: 'other',
  by: 'service',
  request: ConversationRequest,
  answer: JobBegunShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: { job_id: EXAMPLE.job },
  },
  handle({ conversation_id }, { service, trace, deadlineAt }, { routers }) {
    const request = { conversation_id, service };
    const options = { key: conversation_id, trace, deadlineAt };
    return routers.ask('conversations.erase_content', request, options);
  },
  rest: [
    {
      method: 'DELETE',
      path: '/conversations/:conversation_id/content',
      statuses: { 202: 'The erasure has begun, and this job carries it out' },
      status: () => 202,
    },
  ],
});
