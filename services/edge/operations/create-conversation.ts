import { CreateConversationFrame } from '../../../shared/protocol/client-frames.ts';
import { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { defineOperation, type Operation } from './operation.ts';

export function createConversationOperation(conversations: Conversations): Operation {
  return defineOperation({
    type: 'create_conversation',
    summary: 'Makes a group, or the one direct conversation of two people',
    cost: 'other',
    schema: CreateConversationFrame,
    answer: ConversationShape,
    async handle(frame, { userId }) {
      const { conversation } = await conversations.create(userId, frame.conversation);
      return conversation;
    },
  });
}
