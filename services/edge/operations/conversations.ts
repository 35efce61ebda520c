import { ConversationsFrame } from '../../../shared/protocol/client-frames.ts';
import type { Conversations } from '../conversations.ts';
import { defineOperation, type Operation } from './operation.ts';

export function conversationsOperation(conversations: Conversations): Operation {
  return defineOperation({
    type: 'conversations',
    cost: 'other',
    schema: ConversationsFrame,
    handle({ type: _type, id: _id, ...query }, { userId }) {
      return conversations.list({ user_id: userId, ...query });
    },
  });
}
