import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleWaiting } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';
import { takeStep } from './take-step.ts';

export const reopenConversation = defineOperation({
  summary: 'Lets a closed conversation wait again; for who had it last and managers',
  cost: 'other',
  request: ConversationRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: exampleWaiting,
  },
  handle: (named, caller, parts) =>
    takeStep(parts, caller, { op: 'conversations.reopen', ...named }),
  frame: { type: 'reopen' },
});
