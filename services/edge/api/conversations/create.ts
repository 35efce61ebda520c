import { KahaError } from '../../../../shared/errors.ts';
import {
  CreateConversationRequest,
  participantsProblem,
} from '../../../../shared/protocol/conversation-requests.ts';
import { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { defineOperation } from '../operation.ts';

export const createConversation = defineOperation({
  summary: 'Makes a group, or the one direct conversation of two people',
  cost: 'other',
  request: CreateConversationRequest,
  answer: ConversationShape,
  async handle({ conversation }, { userId, trace }, { routers }) {
    const problem = participantsProblem(conversation, userId);
    if (problem !== undefined) throw new KahaError('INVALID_REQUEST', problem);
    const request = { user_id: userId, conversation };
    return await routers.ask('conversations.create', request, { key: userId, trace });
  },
  show: ({ conversation }) => conversation,
  frame: { type: 'create_conversation' },
  rest: [
    {
      method: 'POST',
      path: '/conversations',
      wholeBody: 'conversation',
      statuses: { 201: 'Made', 200: 'The direct conversation was there' },
      status: ({ created }) => (created ? 201 : 200),
    },
  ],
});
