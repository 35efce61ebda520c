import { ConversationShape } from '../../../shared/protocol/shapes.ts';
import type { Conversations } from '../api/conversations.ts';
import { ConversationParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function conversationGetRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'GET',
    path: '/conversations/:conversation_id',
    summary: 'One conversation as the caller sees it',
    cost: 'read',
    params: ConversationParams,
    query: Nothing,
    response: ConversationShape,
    async handle({ userId, params, trace }) {
      const place = { user_id: userId, conversation_id: params.conversation_id };
      return { status: 200, body: await conversations.get(place, trace) };
    },
  });
}
