import { SetStateRequest } from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleWaiting } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';
import { takeStep } from './take-step.ts';

/** Over REST one call closes and reopens, for which the socket has a frame each. */
export const setState = defineOperation({
  summary: 'Closes a conversation of a business, or reopens it',
  cost: 'other',
  request: SetStateRequest,
  answer: ConversationShape,
  example: {
    request: { conversation_id: EXAMPLE.conversation, state: 'waiting' },
    answer: exampleWaiting,
  },
  handle: ({ conversation_id, state }, caller, parts) => {
    const op = state === 'closed' ? 'conversations.close' : 'conversations.reopen';
    return takeStep(parts, caller, { op, conversation_id });
  },
  rest: [{ method: 'PUT', path: '/conversations/:conversation_id/state', bodyName: 'StateInput' }],
});
