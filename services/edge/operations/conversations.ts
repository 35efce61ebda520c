import { ConversationsFrame } from '../../../shared/protocol/client-frames.ts';
import { ConversationsShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { defineOperation, type Operation } from './operation.ts';

export function conversationsOperation(conversations: Conversations): Operation {
  return defineOperation({
    type: 'conversations',
    summary: "The caller's conversations, newest activity first",
    cost: 'other',
    schema: ConversationsFrame,
    answer: ConversationsShape,
    handle({ type: _type, id: _id, ...query }, { userId }) {
      return conversations.list({ user_id: userId, ...query });
    },
  });
}
