import { CreateConversationFrame } from '../../../shared/protocol/client-frames.ts';
import type { Conversations } from '../conversations.ts';
import { defineOperation, type Operation } from './operation.ts';

export function createConversationOperation(conversations: Conversations): Operation {
  return defineOperation({
    type: 'create_conversation',
    cost: 'other',
    schema: CreateConversationFrame,
    async handle(frame, { userId }) {
      const { conversation } = await conversations.create(userId, frame.conversation);
      return conversation;
    },
  });
}
