import { ConversationUpdateBody } from '../../../shared/protocol/conversation-input.ts';
import { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { ConversationParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function conversationUpdateRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'PATCH',
    path: '/conversations/:conversation_id',
    summary: 'Changes title, description or picture of a group; for its admins',
    cost: 'other',
    params: ConversationParams,
    query: Nothing,
    body: ConversationUpdateBody,
    response: ConversationShape,
    async handle({ userId, params, body, trace }) {
      const place = { user_id: userId, conversation_id: params.conversation_id };
      return { status: 200, body: await conversations.update(place, body, trace) };
    },
  });
}
