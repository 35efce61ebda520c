import { ConversationRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleWaiting } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';
import { takeStep } from './take-step.ts';

export const closeConversation = defineOperation({
  summary: 'Closes a conversation of a business; for who has it and managers',
  cost: 'other',
  request: ConversationRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation },
    answer: { ...exampleWaiting, state: 'closed', closed_at: EXAMPLE.later },
  },
  handle: (named, caller, parts) =>
    takeStep(parts, caller, { op: 'conversations.close', ...named }),
  frame: { type: 'close' },
});
