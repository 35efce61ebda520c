import { KahaError } from '../../../../shared/errors.ts';
import {
  CreateConversationRequest,
  participantsProblem,
} from '../../../../shared/protocol/conversation-requests.ts';
import { EXAMPLE, exampleConversation } from '../../../../shared/protocol/examples.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversation } from '../../names/conversation-view.ts';
import { defineOperation } from '../operation.ts';

export const createConversation = defineOperation({
  summary: 'Makes a group, or the one conversation of two people, or of a customer and a business',
  cost: 'other',
  request: CreateConversationRequest,
  answer: ConversationShape,
  example: {
    request: { conversation: { type: 'direct', participant_ids: [EXAMPLE.asha] } },
    answer: exampleConversation,
  },
  async handle({ conversation }, caller, parts) {
    const { userId, trace, deadlineAt } = caller;
    const problem = participantsProblem(conversation, userId);
    if (problem !== undefined) throw new KahaError('INVALID_REQUEST', problem);
    const request = { user_id: userId, conversation };
    const route = { key: userId, trace, deadlineAt };
    const { record, created } = await parts.routers.ask('conversations.create', request, route);
    return { conversation: await nameConversation(parts, record, caller), created };
  },
  show: ({ conversation }) => conversation,
  frame: { type: 'create_conversation' },
  rest: [
    {
      method: 'POST',
      path: '/conversations',
      wholeBody: 'conversation',
      statuses: { 201: 'Made', 200: 'The one conversation was there' },
      status: ({ created }) => (created ? 201 : 200),
    },
  ],
});
