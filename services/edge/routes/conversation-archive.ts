import type { Conversations } from '../api/conversations.ts';
import { ConversationParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

export function conversationArchiveRoute(conversations: Conversations): Route {
  return defineRoute({
    method: 'DELETE',
    path: '/conversations/:conversation_id',
    summary: 'Archives the conversation for the caller; a new message brings it back',
    cost: 'other',
    params: ConversationParams,
    query: Nothing,
    response: null,
    async handle({ userId, params, trace }) {
      const place = { user_id: userId, conversation_id: params.conversation_id };
      await conversations.archive(place, trace);
      return { status: 204 };
    },
  });
}
