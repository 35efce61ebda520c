import { AssignRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleBusinessConversation } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';
import { takeStep } from './take-step.ts';

export const assignConversation = defineOperation({
  summary: 'Takes a conversation of a business, or gives it to one of its agents',
  cost: 'other',
  request: AssignRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation, agent_id: EXAMPLE.chandra },
    answer: exampleBusinessConversation,
  },
  handle: (assigned, caller, parts) =>
    takeStep(parts, caller, { op: 'conversations.assign', ...assigned }),
  frame: { type: 'assign' },
  rest: [
    {
      method: 'PUT',
      path: '/conversations/:conversation_id/assignee',
      bodyName: 'AssignmentInput',
    },
  ],
});
