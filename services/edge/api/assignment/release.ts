import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleWaiting } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';
import { takeStep } from './take-step.ts';

export const releaseConversation = defineOperation({
  summary: 'Gives a conversation of a business back: it waits for an agent again',
  cost: 'other',
  request: ConversationRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: exampleWaiting,
  },
  handle: (named, caller, parts) =>
    takeStep(parts, caller, { op: 'conversations.release', ...named }),
  frame: { type: 'release' },
  rest: [{ method: 'DELETE', path: '/conversations/:conversation_id/assignee' }],
});
